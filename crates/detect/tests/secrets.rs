//! Tokens as their providers document them, made anew in each run, with their check sums where they have one: they are found wherever they
//! stand. What only looks like them is not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a report of a test")]

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use detect::{Scanner, builtin};

/// Of each form.
const TOKENS: usize = 60;
/// Shares of right ones that are found, and of wrong ones.
const RECALL_MIN: f64 = 0.98;
const FALSE_MAX: f64 = 0.01;

/// By kind: what its tokens look like. `{a32}` are thirty-two of an alphabet, `{crc}` is the check sum of the thirty before it.
const FORMS: &[(&str, &[&str])] = &[
    ("ai_key", &["sk-proj-{w48}", "sk-ant-api03-{w80}", "hf_{L34}", "gsk_{a52}", "r8_{a37}", "pplx-{a48}"]),
    ("aws_key_id", &["AKIA{B16}", "ASIA{B16}"]),
    ("aws_secret", &["aws_secret_access_key={s40}", "\"SecretAccessKey\": \"{s40}\""]),
    ("azure_connection", &["AccountKey={s86}==", "SharedAccessKey={s43}="]),
    ("bearer_header", &["Authorization: Bearer {w40}"]),
    (
        "db_url",
        &["postgres://app:{a16}@db.example.com/x", "mongodb+srv://u:{a12}@c.example.net", "redis://:{a20}@cache:6379"],
    ),
    ("gcp_key", &["AIza{w35}", "GOCSPX-{w28}", "ya29.{w60}"]),
    ("github_pat", &["github_pat_{a22}_{a59}"]),
    ("github_token", &["ghp_{a30}{crc}", "gho_{a30}{crc}", "ghu_{a30}{crc}", "ghs_{a30}{crc}", "ghr_{a30}{crc}"]),
    ("gitlab_token", &["glpat-{w20}", "gldt-{w20}", "glrt-{w20}"]),
    ("jwt", &["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI{a20}In0.{w43}"]),
    ("npm_token", &["npm_{a30}{crc}"]),
    ("package_token", &["pypi-AgEIcHlwaS5vcmc{w120}", "dckr_pat_{w27}", "rubygems_{h48}", "oy2{l43}", "CLOJARS_{l60}"]),
    ("password_assign", &["password='{a12}'", "\"client_secret\": \"{a32}\"", "API_KEY=\"{a24}\""]),
    ("password_word", &["DB_PASSWORD={a8}7", "pwd={a9}1;"]),
    (
        "platform_token",
        &[
            "hvs.{w90}",
            "dop_v1_{h64}",
            "SG.{w22}.{w43}",
            "dapi{h32}",
            "dp.pt.{a43}",
            "sbp_{h40}",
            "pscale_tkn_{a43}",
            "glsa_{a32}_{h8}",
            "tskey-auth-{a17}-{a32}",
            "pnu_{a36}",
            "{a13}1.atlasv1.{w64}",
            "sntryu_{h64}",
            "dt0c01.{u24}.{u64}",
            "NRAK-{u27}",
        ],
    ),
    ("private_key_pem", &["-----BEGIN RSA PRIVATE KEY-----\n{s64}\n{s64}\n-----END RSA PRIVATE KEY-----"]),
    (
        "service_token",
        &[
            "shpat_{h32}",
            "sq0atp-{w22}",
            "SK{h32}",
            "{h32}-us12",
            "{d10}:AA{w33}",
            "lin_api_{a40}",
            "ntn_{a46}",
            "EZAK{a54}",
            "shippo_live_{h40}",
            "PMAK-{h24}-{h34}",
            "pat{a13}1.{h64}",
        ],
    ),
    (
        "slack_token",
        &[
            "xoxb-{d12}-{d12}-{a24}",
            "xoxp-{d12}-{d12}-{d12}-{h32}",
            "https://hooks.slack.com/services/T{u10}/B{u10}/{a24}",
        ],
    ),
    (
        "ssh_pgp_age",
        &[
            "AGE-SECRET-KEY-1{5858}",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{s70}\n{s70}\n-----END OPENSSH PRIVATE KEY-----",
        ],
    ),
    ("stripe_key", &["sk_live_{a24}", "rk_live_{a24}", "sk_test_{a99}", "whsec_{a32}"]),
    (
        "vendor_token",
        &[
            "AIK_SECRET_{a64}",
            "AKCp{a69}",
            "API-{u26}",
            "CCIPAT_{a22}_{h40}",
            "HRKU-AA{w58}",
            "LTAI{a20}",
            "SWMTKN-1-{l50}-{l25}",
            "apify_api_{a36}",
            "cnvca{w51}",
            "csk-{l48}",
            "ddp_{a36}",
            "glc_{s80}",
            "lsv2_pt_{h32}_{h10}",
            "mdb_sa_sk_{w40}",
            "napi_{a64}",
            "nvapi-{w64}",
            "packagist_out_{h68}",
            "pat.{w22}.{h24}.{a20}",
            "pcsk_{a5}_{a63}",
            "phx_{w43}",
            "pul-{h40}",
            "rdme_{l70}",
            "rnd_{a28}",
            "sb_secret_{w31}",
            "vcp_{w56}",
            "wandb_v1_{a77}",
            "xai-{a80}",
            "xkeysib-{h64}-{a16}",
            "zpka_{l32}_{h8}",
        ],
    ),
    ("url_userinfo", &["https://ci:{a20}@git.example.com/x.git"]),
];

/// What looks like one and is none: too short, of another alphabet, with a wrong sum, a word of a program, a text that stands for one.
const WRONG: &[&str] = &[
    "AKIA{B12}",
    "AKIA{h16}",
    "ghp_{a36}",
    "npm_{a36}",
    "ghp_{a20}",
    "glpat-{a8}",
    "hf_transfer_{h4}",
    "sk-learn-{l8}",
    "xoxb-",
    "SG.{a4}",
    "AIza{w20}",
    "eyJ{a12}",
    "pypi-{l6}",
    "key_{h8}",
    "rubygems_{l8}",
    "dop_v1_{l8}",
    "-----BEGIN CERTIFICATE-----\n{s64}",
    "AGE-SECRET-KEY-1{l9}",
    "password=$PASSWORD",
    "password=\"${SECRET_PASSWORD}\"",
    "secret = get_secret()",
    "api_key=os.environ",
    "password: required",
    "Bearer <token>",
    "Authorization: Bearer",
    "postgres://localhost:5432/db",
    "https://example.com:8443/a@b",
    "redis://cache:6379",
    "npm_config_registry",
    "github_pat_",
    "token_{h40}",
    "{h40}",
    "{h64}",
    "{s44}",
    "secret_sauce = tasty",
    "dapi{h8}",
    "sbp_{l8}",
    "apify_api_{l8}",
    "napi_create_string_utf8_{l4}",
    "rnd_{l8}",
    "pul-request-{d4}",
    "API-{B8}",
    "persona_production_connection_settings_table",
    "xai-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1",
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn some(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }
}

const DIGITS: &str = "0123456789";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn thrown(form: &str, dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut rest = form;
    while let Some((before, behind)) = rest.split_once('{') {
        let (what, after) = behind.split_once('}').unwrap();
        text.push_str(before);
        rest = after;
        // What is no part of the language is of the text itself: `${…}`.
        if what == "crc" {
            let own = &text[text.len() - 30..];
            let mut value = crc32(own.as_bytes());
            let mut check = String::new();
            for _ in 0..6 {
                check.insert(0, char::from(BASE62.as_bytes()[value as usize % 62]));
                value /= 62;
            }
            text.push_str(&check);
            continue;
        }
        let Some((alphabet, count)) = what.split_at_checked(1).and_then(|(of, count)| Some((of, count.parse().ok()?)))
        else {
            text.push_str(&format!("{{{what}}}"));
            continue;
        };
        text.push_str(&match alphabet {
            "a" => dice.some(BASE62, count),
            "L" => dice.some(&BASE62[10..], count),
            "l" => dice.some("0123456789abcdefghijklmnopqrstuvwxyz", count),
            "u" => dice.some(&BASE62[..36], count),
            "h" => dice.some("0123456789abcdef", count),
            "d" => format!("{}{}", dice.some(&DIGITS[1..], 1), dice.some(DIGITS, count - 1)),
            "w" => format!(
                "{}{}",
                dice.some(BASE62, 1),
                dice.some(&format!("{BASE62}-_"), count - 2) + &dice.some(BASE62, 1)
            ),
            "s" => format!("{}{}", dice.some(&format!("{BASE62}+/"), count - 1), dice.some(BASE62, 1)),
            "B" => dice.some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", count),
            "5" => dice.some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
            other => panic!("no alphabet {other}"),
        });
    }
    text + rest
}

/// Bit by bit, by its definition: not by the library that the check uses.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

/// Where it stands; `#` is itself.
const PLACES: &[&str] = &[
    "#",
    "export X=#\n",
    "{\"a\": 1, \"x\": \"#\"}",
    "- value: '#'",
    "the new one is # since today",
    "a,#,b",
    "x=\"#\" y",
];

#[test]
fn tokens_of_providers_are_found_and_what_looks_like_them_is_not() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let detector = builtin().unwrap();
    let mut scanner = Scanner::new(detector);
    let mut missed = BTreeMap::<(&str, &str), Vec<String>>::new();
    let (mut of, mut found) = (0, 0);
    for (kind, forms) in FORMS {
        for form in *forms {
            for _ in 0..TOKENS {
                let token = thrown(form, &mut dice);
                let quoted = token.contains('"') || token.contains('\'') || token.contains('\n');
                let place = if quoted { "#" } else { PLACES[dice.below(PLACES.len())] };
                let text = place.replacen('#', &token, 1);
                of += 1;
                let is_found = scanner
                    .scan(text.as_bytes(), None)
                    .iter()
                    .any(|of| detector.entity(of.kind).unwrap().name == *kind);
                found += usize::from(is_found);
                if !is_found {
                    missed.entry((kind, form)).or_default().push(text);
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for form in WRONG {
        for _ in 0..TOKENS {
            let text = thrown(form, &mut dice);
            if let Some(of) = scanner.scan(text.as_bytes(), None).first() {
                wrong.push((detector.entity(of.kind).unwrap().name.clone(), text));
            }
        }
    }
    for ((kind, form), texts) in &missed {
        println!("missed {} of {TOKENS} {kind} {form}: {:?}", texts.len(), texts.first());
    }
    println!("wrong: {wrong:?}");
    let (recall, false_share) = (found as f64 / of as f64, wrong.len() as f64 / (WRONG.len() * TOKENS) as f64);
    println!("{found} of {of} tokens found ({recall:.4}), {false_share:.4} of those that are none");
    assert!(recall >= RECALL_MIN && false_share <= FALSE_MAX, "seed {seed}: {recall:.4} {false_share:.4}");
}
