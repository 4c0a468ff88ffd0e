"""Says of each line, `kind<TAB>text`, whether python-stdnum takes it: 1 or 0. Kinds are the names of Weir's checks."""

import sys

from stdnum import bitcoin, iban, imei, isin, lei, luhn, mac
from stdnum.ar import cuit
from stdnum.at import tin as at_tin, vnr
from stdnum.au import abn, acn, tfn
from stdnum.be import ssn as be_ssn, vat as be_vat
from stdnum.bg import egn, pnf
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv, uid
from stdnum.cl import rut as cl_rut
from stdnum.cn import ric
from stdnum.co import nit
from stdnum.cz import rc as cz_rc
from stdnum.de import idnr as steuerid
from stdnum.dk import cpr, cvr
from stdnum.ec import ci
from stdnum.ee import ik
from stdnum.es import cif, dni, nie
from stdnum.eu import vat as eu_vat
from stdnum.fi import hetu, ytunnus
from stdnum.fr import nir, siren, siret
from stdnum.gb import nhs, utr, vat as gb_vat
from stdnum.gr import amka, vat as afm
from stdnum.hr import oib
from stdnum.hu import anum
from stdnum.id import nik
from stdnum.ie import pps
from stdnum.il import idnr as il_id
from stdnum.in_ import aadhaar, gstin, pan
from stdnum.it import codicefiscale, iva
from stdnum.jp import in_ as mynumber
from stdnum.kr import rrn
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.mx import curp, rfc
from stdnum.my import nric
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.nz import ird
from stdnum.pe import ruc
from stdnum.pl import nip, pesel, regon
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import ddv, emso
from stdnum.sk import rc as sk_rc
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.us import ein, itin, rtn, ssn
from stdnum.uy import rut as uy_rut
from stdnum.za import idnr as za_id

KINDS = {
    "ar_cuit": cuit.is_valid,
    "at_svnr": vnr.is_valid,
    "at_tin": at_tin.is_valid,
    "au_abn": abn.is_valid,
    "au_acn": acn.is_valid,
    "au_tfn": tfn.is_valid,
    "be_enterprise": be_vat.is_valid,
    "be_nrn": be_ssn.is_valid,
    "bg_egn": egn.is_valid,
    "bg_pnf": pnf.is_valid,
    "br_cnpj": cnpj.is_valid,
    "br_cpf": cpf.is_valid,
    "btc": bitcoin.is_valid,
    "ca_sin": sin.is_valid,
    "ch_ahv": ahv.is_valid,
    "ch_uid": uid.is_valid,
    "cl_rut": cl_rut.is_valid,
    "cn_ric": ric.is_valid,
    "co_nit": nit.is_valid,
    "cz_rc": cz_rc.is_valid,
    "de_steuerid": steuerid.is_valid,
    "dk_cpr": cpr.is_valid,
    "dk_cvr": cvr.is_valid,
    "ec_ci": ci.is_valid,
    "ee_ik": ik.is_valid,
    "es_cif": cif.is_valid,
    "es_nie": nie.is_valid,
    "es_nif": dni.is_valid,
    "eu_vat": eu_vat.is_valid,
    "fi_hetu": lambda text: hetu.is_valid(text, allow_temporary=True),
    "fi_ytunnus": ytunnus.is_valid,
    "fr_nir": nir.is_valid,
    "fr_siren": siren.is_valid,
    "fr_siret": siret.is_valid,
    "gb_vat": gb_vat.is_valid,
    "gr_afm": afm.is_valid,
    "gr_amka": amka.is_valid,
    "hr_oib": oib.is_valid,
    "hu_anum": anum.is_valid,
    "iban": lambda text: iban.is_valid(text, check_country=False),
    "id_nik": nik.is_valid,
    "ie_ppsn": pps.is_valid,
    "il_id": il_id.is_valid,
    "imei": imei.is_valid,
    "in_aadhaar": aadhaar.is_valid,
    "in_gstin": gstin.is_valid,
    "in_pan": pan.is_valid,
    "isin": isin.is_valid,
    "it_cf": codicefiscale.is_valid,
    "it_piva": iva.is_valid,
    "jp_mynumber": mynumber.is_valid,
    "kr_rrn": rrn.is_valid,
    "lei": lei.is_valid,
    "lt_asmens": asmens.is_valid,
    "luhn": luhn.is_valid,
    "lv_pk": pvn.is_valid,
    "mac": lambda text: mac.is_valid(text, validate_manufacturer=False),
    "mx_curp": curp.is_valid,
    "mx_rfc": rfc.is_valid,
    "my_nric": nric.is_valid,
    "nl_bsn": bsn.is_valid,
    "no_fnr": fodselsnummer.is_valid,
    "nz_ird": ird.is_valid,
    "pe_ruc": ruc.is_valid,
    "pl_nip": nip.is_valid,
    "pl_pesel": pesel.is_valid,
    "pl_regon": regon.is_valid,
    "pt_nif": pt_nif.is_valid,
    "ro_cnp": cnp.is_valid,
    "se_pnr": personnummer.is_valid,
    "si_ddv": ddv.is_valid,
    "si_emso": emso.is_valid,
    "sk_rc": sk_rc.is_valid,
    "th_id": pin.is_valid,
    "tr_tckn": tckimlik.is_valid,
    "uk_nhs": nhs.is_valid,
    "uk_utr": utr.is_valid,
    "us_aba": rtn.is_valid,
    "us_ein": ein.is_valid,
    "us_itin": itin.is_valid,
    "us_ssn": ssn.is_valid,
    "uy_rut": uy_rut.is_valid,
    "za_id": za_id.is_valid,
}


def takes(kind, text):
    """What it fails over, it does not take."""
    try:
        return KINDS[kind](text)
    except Exception:
        return False


if __name__ == "__main__":
    if sys.argv[1:] == ["--kinds"]:
        print("\n".join(KINDS))
    else:
        for line in sys.stdin:
            kind, text = line.rstrip("\n").split("\t")
            print(int(takes(kind, text)))
