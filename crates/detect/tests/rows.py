"""Makes rows with sensitive data and with what looks like it: lines of JSON with `text`, `name` (of the column, or null), and
`labels`, each [start, end, kind] in bytes. Numbers are right by python-stdnum or by what is published of them; people, addresses
and hard negatives are Faker's. The same rows in each run.

    rows.py development | untouched [ROWS]

The two sets have nothing in common: seeds, locales, names of keys, and forms of rows. Nothing is developed on the second.
"""

import base64
import hashlib
import itertools
import json
import random
import sys
import zlib

from faker import Faker

from verdicts import takes

DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALNUM = DIGITS + LETTERS + LETTERS.lower()
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

SET = sys.argv[1]
IS_DEVELOPMENT = SET == "development"
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 6000
SEED = {"development": 20261126, "untouched": 7919}[SET]
LOCALES = {
    "development": "en_US en_GB de_DE fr_FR es_ES pt_BR it_IT nl_NL pl_PL sv_SE".split(),
    "untouched": "en_AU en_IN en_CA de_AT fr_CH es_MX pt_PT da_DK fi_FI no_NO tr_TR ja_JP ko_KR cs_CZ".split(),
}[SET]

dice = random.Random(SEED)
fakes = {locale: Faker(locale) for locale in LOCALES}
for number, fake in enumerate(fakes.values()):
    fake.seed_instance(SEED + number)
plain = Faker("en_US")
plain.seed_instance(SEED - 1)


def some(alphabet, count):
    return "".join(dice.choice(alphabet) for _ in range(count))


# ---------------------------------------------------------------------------------------------------------- right numbers


def thrown(shape):
    """A text of a shape: `#` a digit, `@` a letter, `*` either, `y` `m` `d` two digits of a date, `[…]` one of those,
    ranges in them spelled out."""
    text, rest = "", shape
    while rest:
        first, rest = rest[0], rest[1:]
        if first == "[":
            of, rest = rest.split("]", 1)
            for start, end in zip(of, of[2:]):
                if f"{start}-{end}" in of:
                    of = of.replace(f"{start}-{end}", "".join(map(chr, range(ord(start), ord(end) + 1))))
            text += dice.choice(of)
        elif first in "#@*":
            text += dice.choice({"#": DIGITS, "@": LETTERS, "*": DIGITS + LETTERS}[first])
        elif first in "ymd":
            text += f"{dice.randint(*{'y': (40, 99), 'm': (1, 12), 'd': (1, 28)}[first]):02}"
        else:
            text += first
    return text


def by_stdnum(check, *shapes):
    """What python-stdnum takes; a `k` in a shape is a character that is tried out."""

    def make():
        while True:
            text = thrown(dice.choice(shapes))
            count = text.count("k")
            tries = [DIGITS + LETTERS if count == 1 else DIGITS] * count
            for tried in dice.sample(list(itertools.product(*tries)), len(DIGITS + LETTERS) ** (count == 1) * 100 ** (count == 2)):
                found = iter(tried)
                right = "".join(next(found) if c == "k" else c for c in text)
                if takes(check, right):
                    return right

    return make


def luhn(text):
    digits = [int(digit) for digit in reversed(text)]
    total = sum(digits[1::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[0::2])
    return text + str(-total % 10)


def card():
    prefix, length = dice.choice(
        [("4", 16)] * 4 + [("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("36", 14)]
        + [("6011", 16), ("3530", 16), ("6221", 16), ("6759", 16), ("50", 16), ("4", 19)]
    )
    return luhn(prefix + some(DIGITS, length - len(prefix) - 1))


def npi():
    return luhn("80840" + dice.choice("12") + some(DIGITS, 8))[5:]


def dea():
    digits = some(DIGITS, 6)
    total = sum(map(int, digits[0::2])) + 2 * sum(map(int, digits[1::2]))
    return dice.choice("ABFGMPR") + dice.choice(LETTERS) + digits + str(total % 10)


def weighted(digits, weights):
    return sum(int(digit) * weight for digit, weight in zip(digits, weights))


def medicare():
    digits = dice.choice("23456") + some(DIGITS, 7)
    return digits + str(weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9)) % 10) + dice.choice("123456789")


def pis():
    digits = "1" + some(DIGITS, 9)
    rest = 11 - weighted(digits, (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return digits + str(0 if rest > 9 else rest)


def nric():
    prefix, digits = dice.choice("STFG"), some(DIGITS, 7)
    total = weighted(digits, (2, 7, 6, 5, 4, 3, 2)) + (4 if prefix in "TG" else 0)
    return prefix + digits + ("JZIHGFEDCBA" if prefix in "ST" else "XWUTRQPNMLK")[total % 11]


def vin():
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    values = dict(zip(letters, (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9)))
    text = dice.choice("123JKLSW") + some(letters, 2) + some(letters + DIGITS, 5) + "0" + dice.choice("ABCDEFGHJKLMNPRSTVWXY")
    text += some(letters, 1) + some(DIGITS, 6)
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(values.get(c, int(c) if c.isdigit() else 0) * weight for c, weight in zip(text, weights))
    return text[:8] + "0123456789X"[total % 11] + text[9:]


def clabe():
    digits = dice.choice(("002", "012", "014", "021", "072")) + some(DIGITS, 14)
    total = sum(int(digit) * weight % 10 for digit, weight in zip(digits, (3, 7, 1) * 6))
    return digits + str(-total % 10)


def perso():
    text = dice.choice("CFGHJKLMNPRTVWXYZ") + some("0123456789CFGHJKLMNPRTVWXYZ", 8)
    return text + str(sum(int(c, 36) * weight for c, weight in zip(text, (7, 3, 1) * 3)) % 10)


def svnr():
    text = thrown("[1245]#dmy@") + f"{dice.randint(0, 99):02}"
    digits = text[:8] + f"{ord(text[8]) - 64:02}" + text[9:]
    cross = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)))
    return text + str(cross % 10)


def nino():
    first, second = dice.choice("ABCEGHJKLMNOPRSTWXYZ"), dice.choice("ABCEGHJKLMNPRSTWXYZ")
    return nino() if first + second in "BG GB KN NK NT TN ZZ".split() or first == "O" else first + second + some(DIGITS, 6) + dice.choice("ABCD")


def mbi():
    letters = "ACDEFGHJKMNPQRTUVWXY"
    either = letters + DIGITS
    return (
        dice.choice("123456789") + some(letters, 1) + some(either, 1) + some(DIGITS, 1) + some(letters, 1) + some(either, 1)
        + some(DIGITS, 1) + some(letters, 2) + some(DIGITS, 2)
    )


def uk_dl():
    born = dice.randint(1950, 1999)
    month, day = dice.randint(1, 12) + dice.choice((0, 50)), dice.randint(1, 28)
    name = some(LETTERS, 5)
    return f"{name}{born // 10 % 10}{month:02}{day:02}{born % 10}{some(LETTERS, 2)}{dice.choice('9987')}{some(LETTERS, 2)}"


def base58check(payload):
    number = int.from_bytes(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + text


def btc():
    return base58check(bytes([dice.choice((0, 5))]) + dice.randbytes(20))


def crc_token(prefix):
    own = some(ALNUM, 30)
    value, check = zlib.crc32(own.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        check = (DIGITS + LETTERS + LETTERS.lower())[digit] + check
    return prefix + own + check


def jwt():
    part = lambda what: base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': plain.uuid4()})}.{some(ALNUM + '-_', 43)}"


def groups(text, form):
    """Written in groups: `3-2-4` of nine digits; `0` is as it is."""
    if form == "0":
        return text
    parts, at = [], 0
    for count in [int(c) for c in form if c.isdigit()] + [4] * len(text):
        parts.append(text[at : at + count])
        at += count
    signs = [c for c in form if not c.isdigit()]
    signs += signs[-1:] * len(parts)
    parts = [part for part in parts if part]
    return "".join(part + sign for part, sign in zip(parts, signs[: len(parts) - 1] + [""]))


# ------------------------------------------------------------------------------------------------------------------ kinds

S = by_stdnum
# By kind: how it is made; how it is written, with a `!` where that is enough to know it by; names of keys of the two sets.
NUMBERS = {
    "us_ssn": (S("us_ssn", "########k"), "3-2-4! 3-2-4! 0", "ssn customer_ssn social_security_number", "socialSecurityNumber applicant_ssn SSN"),
    "us_itin": (S("us_itin", "9##[78]#####"), "3-2-4! 0", "itin taxpayer_itin", "individualTaxpayerNumber spouse_itin"),
    "us_ein": (S("us_ein", "########k"), "2-7 0", "ein company_ein fein", "employerIdentificationNumber vendor_ein"),
    "us_mbi": (mbi, "4-3-4! 0!", "mbi medicare_mbi", "beneficiary_mbi medicareId"),
    "us_npi": (npi, "0", "npi provider_npi", "npiNumber national_provider_id"),
    "us_dea": (dea, "0", "dea dea_number", "prescriber_dea deaRegistration"),
    "us_aba": (S("us_aba", "0[1-9]#######", "1[0-2]#######", "2[1-9]#######", "3[0-2]#######"), "0", "routing_number aba", "bankRoutingNumber aba_rtn"),
    "ca_sin": (S("ca_sin", "[1-7]#######k"), "3 3 3 3-3-3 0", "sin sin_number", "socialInsuranceNumber numero_assurance_sociale"),
    "uk_nhs": (S("uk_nhs", "[4679]########k"), "3 3 4 0", "nhs_number nhs", "nhsNumber patient_nhs_no"),
    "uk_nino": (nino, "2 2 2 2 1! 0!", "nino ni_number", "nationalInsuranceNo employee_nino"),
    "uk_utr": (S("uk_utr", "k#########"), "5 5 0", "utr utr_number", "uniqueTaxpayerReference company_utr"),
    "uk_dl": (uk_dl, "0!", "driving_licence licence_no", "drivingLicenceNumber dvla_licence"),
    "ie_ppsn": (S("ie_ppsn", "#######k"), "0", "ppsn pps_number", "ppsNo ppsn_employee"),
    "de_steuerid": (S("de_steuerid", "2365741809k", "365742618#k", "8609574271k"), "2 3 3 3 0", "steuer_id steuerid idnr", "steuerIdentifikationsnummer mitarbeiter_idnr"),
    "de_perso": (perso, "0", "personalausweis ausweisnummer", "personalausweisNr kunde_ausweis"),
    "de_svnr": (svnr, "0! 2 6 1 3!", "rvnr sv_nummer", "sozialversicherungsnummer rentenversicherungsnr"),
    "fr_nir": (S("fr_nir", "[12]ym[1-8]#######kk"), "1 2 2 2 3 3 2! 0!", "nir numero_secu", "numeroSecuriteSociale nir_salarie"),
    "fr_siren": (S("fr_siren", "########k"), "3 3 3 0", "siren numero_siren", "sirenEntreprise siren_fournisseur"),
    "it_cf": (S("it_cf", "@@@@@@y[ABCDEHLMPRST]d@###k"), "0!", "codice_fiscale cf", "codiceFiscale cf_cliente"),
    "it_piva": (S("it_piva", "#######0##k"), "0", "partita_iva piva", "partitaIva piva_fornitore"),
    "es_nif": (S("es_nif", "########k"), "0! 8-1!", "dni nif", "dniCliente nif_titular"),
    "es_nie": (S("es_nie", "[XYZ]#######k"), "0! 1-7-1!", "nie numero_nie", "nieExtranjero nie_titular"),
    "pt_nif": (S("pt_nif", "[1235689]#######k"), "3 3 3 0", "nif contribuinte", "nifCliente numero_contribuinte"),
    "nl_bsn": (S("nl_bsn", "########k"), "0", "bsn burgerservicenummer", "bsnNummer klant_bsn"),
    "be_nrn": (S("be_nrn", "ymd###kk"), "2.2.2-3.2! 0!", "rijksregisternummer niss", "registreNational insz_nummer"),
    "pl_pesel": (S("pl_pesel", "ymd####k"), "0", "pesel numer_pesel", "peselKlienta pesel_pracownika"),
    "pl_nip": (S("pl_nip", "[1-9]########k"), "3-3-2-2! 0", "nip numer_nip", "nipFirmy nip_kontrahenta"),
    "se_pnr": (S("se_pnr", "ymd-###k", "19ymd-###k"), "0!", "personnummer pnr", "personnummerKund anstalld_pnr"),
    "fi_hetu": (S("fi_hetu", "dmy-###k"), "0!", "hetu henkilotunnus", "henkilötunnus asiakas_hetu"),
    "dk_cpr": (S("dk_cpr", "dmy[0-3]###"), "6-4 0", "cpr cpr_nr", "cprNummer borger_cpr"),
    "no_fnr": (S("no_fnr", "dmy[0-4]##kk"), "6 5! 0!", "fodselsnummer fnr", "fødselsnummer kunde_fnr"),
    "br_cpf": (S("br_cpf", "#########kk"), "3.3.3-2! 9-2! 0", "cpf cpf_cliente", "cpfTitular numero_cpf"),
    "br_cnpj": (S("br_cnpj", "########0001kk"), "2.3.3/4-2! 0", "cnpj cnpj_empresa", "cnpjFornecedor cnpj_emitente"),
    "br_pis": (pis, "3.5.2-1! 0", "pis pis_pasep", "pisTrabalhador nis"),
    "mx_curp": (S("mx_curp", "@[AEIOU]@@ymd[HM]DF[BCDFGHJKLMNPQRSTVWXYZ][BCDFGHJKLMNPQRSTVWXYZ][BCDFGHJKLMNPQRSTVWXYZ]0k"), "0!", "curp", "curpEmpleado clave_curp"),
    "ar_cuit": (S("ar_cuit", "2[037]########k"), "2-8-1! 0", "cuit cuil", "cuitProveedor numero_cuil"),
    "cl_rut": (S("cl_rut", "1#######k"), "2.3.3-1! 8-1 0", "rut rut_cliente", "rutEmpresa numero_rut"),
    "in_aadhaar": (S("in_aadhaar", "[2-9]##########k"), "4 4 4 0", "aadhaar aadhaar_no", "aadhaarNumber uidai_no"),
    "in_pan": (S("in_pan", "@@@[PCHF]@####@"), "0!", "pan_no income_tax_pan", "panNumber permanent_account_no"),
    "in_gstin": (S("in_gstin", "27@@@[PCHF]@####@1Zk", "07@@@[PC]@####@1Zk"), "0!", "gstin gst_number", "gstinSupplier gst_no"),
    "au_tfn": (S("au_tfn", "########k"), "3 3 3 0", "tfn tax_file_number", "taxFileNumber employee_tfn"),
    "au_abn": (S("au_abn", "kk#########"), "2 3 3 3! 0", "abn supplier_abn", "australianBusinessNumber abn_no"),
    "au_medicare": (medicare, "4 5 1! 0", "medicare_number medicare_card", "medicareCardNumber patient_medicare"),
    "nz_ird": (S("nz_ird", "[1-9]#######k", "[1-9]######k"), "0", "ird ird_number", "irdNumber inland_revenue_no"),
    "sg_nric": (nric, "0!", "nric fin_no", "nricNumber customer_nric"),
    "kr_rrn": (S("kr_rrn", "ymd[12]0####k"), "6-7! 0", "rrn resident_number", "residentRegistration rrn_no"),
    "jp_mynumber": (S("jp_mynumber", "###########k"), "4 4 4 0", "my_number mynumber", "myNumber individual_number"),
    "cn_ric": (S("cn_ric", "11010519ymd###k"), "0!", "id_card shenfenzheng", "身份证 identity_card_no"),
    "za_id": (S("za_id", "ymd####08k"), "6 4 3 0", "sa_id id_number", "saIdNumber identity_no"),
    "tr_tckn": (S("tr_tckn", "[1-9]########kk"), "0", "tckn tc_kimlik_no", "kimlikNo tckn_no"),
    "card": (card, "0! 4 4 4 4! 4-4-4-4! 4 4 4 4!", "card card_number cc pan", "creditCardNumber payment_card debit_card_no"),
    "iban": (S("iban", "DEkk##################", "GBkk[WB][EA][SR][TC]##############", "NLkkABNA##########", "FRkk####################[1-9]##", "ESkk####################"), "0! 4 4 4 4 4 4!", "iban account_iban", "ibanNumber payee_iban"),
    "clabe": (clabe, "0", "clabe cuenta_clabe", "clabeInterbancaria clabe_destino"),
    "isin": (S("isin", "US*********k", "DE000*****#k"), "0!", "isin security_isin", "isinCode fund_isin"),
    "lei": (S("lei", "[2-9][1-9]##00************kk", "549300************kk"), "0!", "lei legal_entity_id", "leiCode counterparty_lei"),
    "imei": (S("imei", "35############k"), "0", "imei device_imei", "imeiNumber handset_imei"),
    "vin": (vin, "0", "vin vehicle_vin", "vinNumber chassis_no"),
}
hexes = lambda count: lambda: some("0123456789abcdef", count)
OTHERS = {
    "email": (lambda: local().email(), "0!", "email user_email contact", "emailAddress mail_to"),
    "phone_national": (lambda: local().phone_number(), "0", "phone phone_number mobile tel", "phoneNumber telephone contact_mobile"),
    "phone_e164": (lambda: e164(), "0!", "phone msisdn", "mobilePhone whatsapp"),
    "ipv4": (lambda: plain.ipv4_public(), "0!", "ip client_ip remote_addr", "clientIp source_address"),
    "ipv6": (lambda: plain.ipv6(), "0!", "ip client_ip", "peerAddress ipv6_address"),
    "mac": (lambda: plain.mac_address(), "0!", "mac hwaddr", "macAddress bssid"),
    "birth_date": (lambda: birth(), "0", "birth_date dob", "dateOfBirth birthday"),
    "cvv": (lambda: some(DIGITS, 3), "0", "cvv cvc", "cardCvv security_code"),
    "swift_bic": (lambda: swift(), "0", "bic swift", "bicCode swift_code"),
    "us_passport": (lambda: some(DIGITS, 9), "0", "passport passport_number", "passportNo travel_passport"),
    "us_bank_account": (lambda: some("123456789", 1) + some(DIGITS, 9), "0", "bank_account account_number", "bankAccount acct_no"),
    "geo_latlon": (lambda: f"{dice.uniform(-80, 80):.6f}, {dice.uniform(-170, 170):.6f}", "0", "location gps", "coordinates position"),
    "geo_coordinate": (lambda: f"{dice.uniform(-80, 80):.6f}", "0", "latitude lat", "homeLatitude lng"),
    "mrn": (lambda: some(DIGITS, 8), "0", "mrn medical_record_number", "patientNumber patient_mrn"),
    "icd10": (lambda: dice.choice("EFIJKMRSZ") + some(DIGITS, 2) + "." + some(DIGITS, 1), "0", "diagnosis icd_code", "icd10 diagnosis_code"),
    "btc": (btc, "0!", "wallet btc_address", "bitcoinAddress payout"),
    "eth": (lambda: "0x" + some("0123456789abcdef", 40), "0!", "eth_address wallet", "ethereumAddress payout"),
    "aws_key_id": (lambda: "AKIA" + some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), "0!", "aws_access_key_id key", "accessKeyId aws"),
    "github_token": (lambda: crc_token("ghp_"), "0!", "token github_token", "githubPat gh"),
    "npm_token": (lambda: crc_token("npm_"), "0!", "npm_token authToken", "registryToken npm"),
    "jwt": (jwt, "0!", "jwt session", "idToken bearer"),
    "stripe_key": (lambda: "sk_" + "live_" + some(ALNUM, 24), "0!", "stripe_key", "stripeSecret payments"),
    "slack_token": (lambda: f"xoxb-{some(DIGITS, 12)}-{some(DIGITS, 12)}-{some(ALNUM, 24)}", "0!", "slack_token bot", "slackBot chat"),
    "password_assign": (lambda: some(ALNUM + "!#%+-", 12), "0", "password db_password", "userPassword admin_passwd"),
    "person_name": (lambda: local().name(), "0", "full_name customer_name", "fullName holder_name"),
}
KINDS = {**NUMBERS, **OTHERS}
COMMON = "email phone_national phone_e164 card iban us_ssn ipv4 ipv6 mac birth_date person_name".split()
# These are known by the name of their column alone, so they stand in one; the value of the other must be in quotes.
IN_COLUMNS, IN_QUOTES = {"person_name"}, {"password_assign"}


def local():
    return fakes[dice.choice(LOCALES)]


def swift():
    while True:
        text = plain.swift(length=dice.choice((8, 11)))
        # A place never begins with 0 or 1, nor ends in O.
        if text[6] not in "01" and text[7] != "O":
            return text


def e164():
    code, digits = dice.choice([("1", "4155550#1#"), ("44", "79460####"), ("49", "151########"), ("33", "6########"), ("34", "6########")]
                               if IS_DEVELOPMENT else [("61", "4########"), ("91", "98########"), ("45", "20######"), ("81", "90########"), ("52", "55########")])
    text = "+" + code + thrown(digits)
    return text if dice.random() < 0.6 else f"+{code} {text[len(code) + 1:][:3]} {text[len(code) + 4:]}"


def birth():
    day = plain.date_of_birth(minimum_age=18, maximum_age=80)
    return day.strftime(dice.choice(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"] if IS_DEVELOPMENT else ["%Y/%m/%d", "%d-%m-%Y", "%d %b %Y"]))


# --------------------------------------------------------------------------------------------------------- hard negatives


def without_luhn():
    text = card()
    return text[:-1] + str((int(text[-1]) + dice.randint(1, 9)) % 10)


def wrong_issuer():
    return luhn(dice.choice(["1", "7", "0", "9"]) + some(DIGITS, 14))


def ean():
    digits = dice.choice(["400", "401", "54", "76", "50"]) + some(DIGITS, 9)
    digits = digits[:12]
    return digits + str(-sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits)) % 10)


def spoilt(kind):
    """A right number with its last character made another."""

    def make():
        make_it, forms, *_ = NUMBERS[kind]
        text = make_it()
        last = dice.choice([c for c in (DIGITS if text[-1].isdigit() else LETTERS) if c != text[-1]])
        return groups(text[:-1] + last, "0")

    return make


NEGATIVES = {
    "order_id": lambda: some("123456789", 1) + some(DIGITS, dice.randint(7, 11)),
    "invoice": lambda: f"INV-{dice.randint(2015, 2026)}-{some(DIGITS, 6)}",
    "epoch": lambda: str(dice.randint(1_500_000_000, 1_800_000_000)),
    "timestamp_ms": lambda: str(dice.randint(1_500_000_000_000, 1_800_000_000_000)),
    "sha1": lambda: plain.sha1(),
    "sha256": lambda: plain.sha256(),
    "md5": lambda: plain.md5(),
    "request_id": lambda: plain.uuid4(),
    "trace_id": hexes(32),
    "span": hexes(16),
    "ean": ean,
    "sequence": without_luhn,
    "batch": wrong_issuer,
    "build": lambda: f"{plain.date_this_year():%Y%m%d}.{dice.randint(1, 40)}",
    "tracking": lambda: "1Z" + some(DIGITS + LETTERS, 6) + some(DIGITS, 10),
    "version": lambda: ".".join(str(dice.randint(0, 40)) for _ in range(dice.randint(3, 4))),
    "created_at": lambda: plain.date_time().isoformat() + dice.choice(["Z", "+02:00", ""]),
    "day": lambda: plain.date(),
    "ratio": lambda: f"{dice.uniform(0, 1):.16f}",
    "amount": lambda: f"{dice.uniform(1, 99999):.2f}",
    "elapsed": lambda: f"{dice.uniform(0, 500):.6f}",
    "sku": lambda: some(LETTERS, 2) + some(DIGITS, 7),
    "commit": hexes(8),
    "zip": lambda: f"{some(DIGITS, 5)}-{some(DIGITS, 4)}",
    "bytes": lambda: str(dice.randint(1000, 10**9)),
    "time": lambda: plain.time(),
    "etag": lambda: base64.b64encode(dice.randbytes(18)).decode(),
    "dump": lambda: " ".join(some("0123456789abcdef", 4) for _ in range(8)),
    "agent": lambda: f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{dice.randint(90, 140)}.0.0.0 Safari/537.36",
    "count": lambda: str(dice.randint(0, 99999)),
    "tag": lambda: f"v{dice.randint(0, 9)}.{dice.randint(0, 20)}.{dice.randint(0, 20)}.{dice.randint(0, 20)}",
    "host": lambda: f"{plain.user_name()}@localhost",
    "status": lambda: dice.choice(["active", "closed", "pending", "ok", "FAILED"]),
    "company": lambda: plain.company(),
    "reference": lambda: dice.choice([spoilt("iban"), spoilt("it_cf"), spoilt("mx_curp"), lambda: thrown("000-##-####")])(),
}
# Those that mean nothing by themselves, and stand in rows without names.
NAMELESS = [name for name in NEGATIVES if name not in ("host", "version", "reference", "zip")]


# ------------------------------------------------------------------------------------------------------------------- rows


class Row:
    """A text that grows, and where in it what is."""

    def __init__(self):
        self.text, self.labels = "", []

    def add(self, text):
        self.text += text
        return self

    def put(self, value, kind):
        start = len(self.text.encode())
        self.text += value
        if kind:
            self.labels.append([start, len(self.text.encode()), kind])
        return self

    def print(self, name=None):
        print(json.dumps({"text": self.text, "name": name, "labels": self.labels}, ensure_ascii=False))


def form_of(kind, enough):
    forms = KINDS[kind][1]
    # Groups are separated by blanks too: a form ends where two digits of it have no sign between them.
    found, now = [], ""
    for word in forms.split(" "):
        now = f"{now} {word}" if now else word
        if now.endswith("!") or word == "0" or sum(int(c, 16) for c in now if c in "123456789") >= 8 and complete(kind, now):
            found.append(now)
            now = ""
    known = [form for form in found if form.endswith("!")] if enough else found
    return dice.choice(known).rstrip("!") if known else None


def complete(kind, form):
    """Whether the groups are as long as what is made."""
    lengths = {"uk_nhs": 10, "uk_utr": 10, "de_steuerid": 11, "ca_sin": 9, "pt_nif": 9, "fr_siren": 9, "au_tfn": 9, "in_aadhaar": 12,
               "jp_mynumber": 12, "za_id": 13, "us_ein": 9, "dk_cpr": 10, "cl_rut": 9}
    return sum(int(c, 16) for c in form if c in "123456789") == lengths.get(kind)


def a_kind(enough=False):
    while True:
        kind = dice.choice(COMMON) if dice.random() < 0.4 else dice.choice(list(KINDS))
        if kind in IN_COLUMNS or kind in IN_QUOTES:
            continue
        form = form_of(kind, enough)
        if form:
            return kind, groups(KINDS[kind][0](), form)


def key_of(kind):
    return dice.choice(KINDS[kind][2 if IS_DEVELOPMENT else 3].split())


def negative(names=None):
    name = dice.choice(names or list(NEGATIVES))
    return name, NEGATIVES[name]()


def field():
    """A name, a value, its kind or none."""
    if dice.random() < 0.4:
        kind, value = a_kind()
        return key_of(kind), value, kind
    name, value = negative()
    return (name, value, None) if IS_DEVELOPMENT else (renamed(name), value, None)


def renamed(name):
    """As another programmer would call it."""
    return {"order_id": "orderNumber", "invoice": "invoiceRef", "epoch": "epochSeconds", "timestamp_ms": "timestampMs", "request_id": "requestId",
            "trace_id": "traceId", "sequence": "sequenceNo", "batch": "batchId", "build": "buildNumber", "tracking": "trackingCode",
            "created_at": "createdAt", "commit": "commitHash", "sku": "skuCode", "zip": "zipCode"}.get(name, name)


def cell():
    if dice.random() < 0.6:
        kind = dice.choice(list(KINDS)) if dice.random() < 0.7 else dice.choice(COMMON)
        if kind in IN_QUOTES:
            return
        Row().put(groups(KINDS[kind][0](), form_of(kind, False)), kind).print(key_of(kind))
    else:
        name, value = negative()
        Row().add(value).print(name if IS_DEVELOPMENT else renamed(name))


def pairs(before, between, assign, after, quote=""):
    row = Row().add(before)
    for at in range(dice.randint(2, 5)):
        name, value, kind = field()
        row.add(between if at else "").add(f"{quote}{name}{quote}{assign}{quote}").put(value, kind).add(quote)
    row.add(after).print()


def bare(separator, before="", after="", quote=""):
    row = Row().add(before)
    for at in range(dice.randint(3, 6)):
        row.add(separator if at else "").add(quote)
        if dice.random() < 0.4:
            kind, value = a_kind(enough=True)
            row.put(value, kind)
        else:
            row.add(negative(NAMELESS)[1])
        row.add(quote)
    row.add(after).print()


def prose(positive, negative_forms):
    if dice.random() < 0.6:
        kind, value = a_kind()
        before, after = dice.choice(positive).split("{}")
        key = key_of(kind).replace("_", " ")
        Row().add(before.replace("KEY", key)).put(value, kind).add(after.replace("KEY", key)).print()
    else:
        name, value = negative()
        Row().add(dice.choice(negative_forms).format(name.replace("_", " "), value)).print()


def secret():
    kind = dice.choice(list(IN_QUOTES))
    row = Row().add(dice.choice(["config ", "", "{"])).add(key_of(kind)).add(dice.choice(["='", ": '", " = '"]))
    row.put(KINDS[kind][0](), kind).add("'").print()


def xml():
    row = Row().add("<row>")
    for _ in range(dice.randint(2, 4)):
        name, value, kind = field()
        row.add(f"<{name}>").put(value, kind).add(f"</{name}>")
    row.add("</row>").print()


now = lambda: plain.date_time().strftime("%Y-%m-%dT%H:%M:%S.000Z")
DEVELOPMENT = [
    (3, cell),
    (2, lambda: pairs(f"{now()} INFO [worker-{dice.randint(1, 9)}] done ", " ", "=", f" took={dice.randint(1, 900)}ms")),
    (2, lambda: pairs('{"', '", "', '": "', '"}')),
    (1, lambda: bare("|", f"{dice.randint(1, 10**7)}|", "|active")),
    (1, lambda: bare(",", f"{dice.randint(1, 10**7)},")),
    (2, lambda: prose(
        ["The KEY is {}, please check.", "KEY: {}", "Customer gave KEY {} on the phone today.", "Updated KEY to {}."],
        ["The {} is {}, please check.", "{}: {}", "Moved {} {} to the archive.", "Updated {} to {}."],
    )),
    (0.4, secret),
]
UNTOUCHED = [
    (3, cell),
    (2, lambda: pairs("level=warn ", " ", "=", "", quote='"') if dice.random() < 0.3 else pairs("level=warn ", " ", '="', '"')),
    (1, lambda: pairs("record:\n  ", "\n  ", ": ", "\n")),
    (1, lambda: pairs("GET /api/v2/update?", "&", "=", " HTTP/1.1")),
    (1, xml),
    (1, lambda: bare("\t")),
    (1, lambda: bare(", ", "INSERT INTO t VALUES (", ");", quote="'")),
    (1.5, lambda: prose(
        ["We have {} on file as KEY.", "Could you confirm KEY {}?", "my KEY - {}", "Their KEY was changed from {} yesterday", "(KEY {})"],
        ["Could you confirm {} {}?", "my {} - {}", "The job wrote {} {} yesterday", "({} {})"],
    )),
    (0.4, secret),
]

forms = DEVELOPMENT if IS_DEVELOPMENT else UNTOUCHED
for _ in range(ROWS):
    dice.choices([make for _, make in forms], [weight for weight, _ in forms])[0]()
