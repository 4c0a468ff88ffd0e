//! Channel binding of type `tls-server-end-point`: the hash of the server's certificate, so that a login proves that both
//! ends see the same one. Spec: RFC 5929 §4.

use aws_lc_rs::digest::{Algorithm, SHA224, SHA256, SHA384, SHA512, digest};
use x509_parser::der_parser::Oid;
use x509_parser::der_parser::asn1_rs::oid;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

/// The binding of a certificate in DER; `None` if its signature names no one hash, as that of Ed25519 does.
pub fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let hash = hash_of_signature(&parsed.signature_algorithm)?;
    Some(digest(hash, certificate).as_ref().to_vec())
}

/// The hash in a signature's algorithm. In place of MD5 and SHA-1 it is SHA-256, as the RFC has it.
fn hash_of_signature(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    let of = &algorithm.algorithm;
    if *of == oid!(1.2.840.113549.1.1.10) {
        // RSA-PSS names its hash beside.
        let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
        return find(
            parameters.hash_algorithm_oid(),
            &[
                (oid!(1.3.14.3.2.26), &SHA256), // SHA-1, also if none is named
                (oid!(2.16.840.1.101.3.4.2.4), &SHA224),
                (oid!(2.16.840.1.101.3.4.2.1), &SHA256),
                (oid!(2.16.840.1.101.3.4.2.2), &SHA384),
                (oid!(2.16.840.1.101.3.4.2.3), &SHA512),
            ],
        );
    }
    find(
        of,
        &[
            (oid!(1.2.840.113549.1.1.4), &SHA256), // RSA with MD5
            (oid!(1.2.840.113549.1.1.5), &SHA256), // RSA with SHA-1
            (oid!(1.2.840.113549.1.1.14), &SHA224),
            (oid!(1.2.840.113549.1.1.11), &SHA256),
            (oid!(1.2.840.113549.1.1.12), &SHA384),
            (oid!(1.2.840.113549.1.1.13), &SHA512),
            (oid!(1.2.840.10045.4.1), &SHA256), // ECDSA with SHA-1
            (oid!(1.2.840.10045.4.3.1), &SHA224),
            (oid!(1.2.840.10045.4.3.2), &SHA256),
            (oid!(1.2.840.10045.4.3.3), &SHA384),
            (oid!(1.2.840.10045.4.3.4), &SHA512),
        ],
    )
}

fn find(of: &Oid<'_>, known: &[(Oid<'static>, &'static Algorithm)]) -> Option<&'static Algorithm> {
    known.iter().find_map(|(oid, hash)| (oid == of).then_some(*hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        rcgen::CertificateParams::new(vec!["db".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_hash_is_that_of_the_certificates_own_signature() {
        let (p256, p384) = (certificate(&rcgen::PKCS_ECDSA_P256_SHA256), certificate(&rcgen::PKCS_ECDSA_P384_SHA384));
        assert_eq!(server_end_point(&p256).as_deref(), Some(digest(&SHA256, &p256).as_ref()));
        assert_eq!(server_end_point(&p384).as_deref(), Some(digest(&SHA384, &p384).as_ref()));
        assert_eq!(server_end_point(&certificate(&rcgen::PKCS_ED25519)), None);
        assert_eq!(server_end_point(b"no certificate"), None);
    }
}
