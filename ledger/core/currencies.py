"""The currencies of ISO 4217, as this ledger knows them.

The table is ours, because minor units are money: a library that takes them from CLDR differs from ISO 4217 for some
live codes. In it are all codes of ISO 4217 list one to which ISO gives an exponent, the fund codes among them (CLF,
UYW …), as of amendment 180, and the codes of list three that were withdrawn since 2002. A code without an exponent
(gold, the SDR, "no currency", the testing code) cannot be counted in minor units and is no currency here.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple


class Currency(NamedTuple):
    """One code of ISO 4217.

    `number` is the numeric code, always three digits; a successor may have inherited it (ANG, XCG). `exponent` is the
    number of decimals between the unit and the minor unit that amounts count. `withdrawn_on` is the first day on which
    nothing new is posted in it: the changeover day, or, where both were valid for a while, the end of that while.
    """

    code: str
    number: str
    exponent: int
    name: str
    withdrawn_on: date | None


# code, number, exponent, name
_LIVE = """
AED 784 2 UAE Dirham
AFN 971 2 Afghani
ALL 008 2 Lek
AMD 051 2 Armenian Dram
AOA 973 2 Kwanza
ARS 032 2 Argentine Peso
AUD 036 2 Australian Dollar
AWG 533 2 Aruban Florin
AZN 944 2 Azerbaijan Manat
BAM 977 2 Convertible Mark
BBD 052 2 Barbados Dollar
BDT 050 2 Taka
BHD 048 3 Bahraini Dinar
BIF 108 0 Burundi Franc
BMD 060 2 Bermudian Dollar
BND 096 2 Brunei Dollar
BOB 068 2 Boliviano
BOV 984 2 Mvdol
BRL 986 2 Brazilian Real
BSD 044 2 Bahamian Dollar
BTN 064 2 Ngultrum
BWP 072 2 Pula
BYN 933 2 Belarusian Ruble
BZD 084 2 Belize Dollar
CAD 124 2 Canadian Dollar
CDF 976 2 Congolese Franc
CHE 947 2 WIR Euro
CHF 756 2 Swiss Franc
CHW 948 2 WIR Franc
CLF 990 4 Unidad de Fomento
CLP 152 0 Chilean Peso
CNY 156 2 Yuan Renminbi
COP 170 2 Colombian Peso
COU 970 2 Unidad de Valor Real
CRC 188 2 Costa Rican Colon
CUP 192 2 Cuban Peso
CVE 132 2 Cabo Verde Escudo
CZK 203 2 Czech Koruna
DJF 262 0 Djibouti Franc
DKK 208 2 Danish Krone
DOP 214 2 Dominican Peso
DZD 012 2 Algerian Dinar
EGP 818 2 Egyptian Pound
ERN 232 2 Nakfa
ETB 230 2 Ethiopian Birr
EUR 978 2 Euro
FJD 242 2 Fiji Dollar
FKP 238 2 Falkland Islands Pound
GBP 826 2 Pound Sterling
GEL 981 2 Lari
GHS 936 2 Ghana Cedi
GIP 292 2 Gibraltar Pound
GMD 270 2 Dalasi
GNF 324 0 Guinean Franc
GTQ 320 2 Quetzal
GYD 328 2 Guyana Dollar
HKD 344 2 Hong Kong Dollar
HNL 340 2 Lempira
HTG 332 2 Gourde
HUF 348 2 Forint
IDR 360 2 Rupiah
ILS 376 2 New Israeli Sheqel
INR 356 2 Indian Rupee
IQD 368 3 Iraqi Dinar
IRR 364 2 Iranian Rial
ISK 352 0 Iceland Krona
JMD 388 2 Jamaican Dollar
JOD 400 3 Jordanian Dinar
JPY 392 0 Yen
KES 404 2 Kenyan Shilling
KGS 417 2 Som
KHR 116 2 Riel
KMF 174 0 Comorian Franc
KPW 408 2 North Korean Won
KRW 410 0 Won
KWD 414 3 Kuwaiti Dinar
KYD 136 2 Cayman Islands Dollar
KZT 398 2 Tenge
LAK 418 2 Lao Kip
LBP 422 2 Lebanese Pound
LKR 144 2 Sri Lanka Rupee
LRD 430 2 Liberian Dollar
LSL 426 2 Loti
LYD 434 3 Libyan Dinar
MAD 504 2 Moroccan Dirham
MDL 498 2 Moldovan Leu
MGA 969 2 Malagasy Ariary
MKD 807 2 Denar
MMK 104 2 Kyat
MNT 496 2 Tugrik
MOP 446 2 Pataca
MRU 929 2 Ouguiya
MUR 480 2 Mauritius Rupee
MVR 462 2 Rufiyaa
MWK 454 2 Malawi Kwacha
MXN 484 2 Mexican Peso
MXV 979 2 Mexican Unidad de Inversion
MYR 458 2 Malaysian Ringgit
MZN 943 2 Mozambique Metical
NAD 516 2 Namibia Dollar
NGN 566 2 Naira
NIO 558 2 Cordoba Oro
NOK 578 2 Norwegian Krone
NPR 524 2 Nepalese Rupee
NZD 554 2 New Zealand Dollar
OMR 512 3 Rial Omani
PAB 590 2 Balboa
PEN 604 2 Sol
PGK 598 2 Kina
PHP 608 2 Philippine Peso
PKR 586 2 Pakistan Rupee
PLN 985 2 Zloty
PYG 600 0 Guarani
QAR 634 2 Qatari Rial
RON 946 2 Romanian Leu
RSD 941 2 Serbian Dinar
RUB 643 2 Russian Ruble
RWF 646 0 Rwanda Franc
SAR 682 2 Saudi Riyal
SBD 090 2 Solomon Islands Dollar
SCR 690 2 Seychelles Rupee
SDG 938 2 Sudanese Pound
SEK 752 2 Swedish Krona
SGD 702 2 Singapore Dollar
SHP 654 2 Saint Helena Pound
SLE 925 2 Leone
SOS 706 2 Somali Shilling
SRD 968 2 Surinam Dollar
SSP 728 2 South Sudanese Pound
STN 930 2 Dobra
SVC 222 2 El Salvador Colon
SYP 760 2 Syrian Pound
SZL 748 2 Lilangeni
THB 764 2 Baht
TJS 972 2 Somoni
TMT 934 2 Turkmenistan New Manat
TND 788 3 Tunisian Dinar
TOP 776 2 Pa'anga
TRY 949 2 Turkish Lira
TTD 780 2 Trinidad and Tobago Dollar
TWD 901 2 New Taiwan Dollar
TZS 834 2 Tanzanian Shilling
UAH 980 2 Hryvnia
UGX 800 0 Uganda Shilling
USD 840 2 US Dollar
USN 997 2 US Dollar (Next day)
UYI 940 0 Uruguay Peso en Unidades Indexadas
UYU 858 2 Peso Uruguayo
UYW 927 4 Unidad Previsional
UZS 860 2 Uzbekistan Sum
VED 926 2 Bolívar Digital
VES 928 2 Bolívar Soberano
VND 704 0 Dong
VUV 548 0 Vatu
WST 882 2 Tala
XAD 396 2 Arab Accounting Dinar
XAF 950 0 CFA Franc BEAC
XCD 951 2 East Caribbean Dollar
XCG 532 2 Caribbean Guilder
XOF 952 0 CFA Franc BCEAO
XPF 953 0 CFP Franc
YER 886 2 Yemeni Rial
ZAR 710 2 Rand
ZMW 967 2 Zambian Kwacha
ZWG 924 2 Zimbabwe Gold
"""

# code, number, exponent, withdrawn on, name
_WITHDRAWN = """
ADP 020 0 2002-01-01 Andorran Peseta
AFA 004 2 2003-01-01 Afghani
ANG 532 2 2025-07-01 Netherlands Antillean Guilder
ATS 040 2 2002-01-01 Schilling
AZM 031 2 2006-01-01 Azerbaijanian Manat
BEF 056 0 2002-01-01 Belgian Franc
BGN 975 2 2026-01-01 Bulgarian Lev
BYR 974 0 2017-01-01 Belarusian Ruble
CSD 891 2 2006-10-25 Serbian Dinar
CUC 931 2 2021-07-01 Peso Convertible
CYP 196 2 2008-01-01 Cyprus Pound
DEM 276 2 2002-01-01 Deutsche Mark
EEK 233 2 2011-01-01 Kroon
ESP 724 0 2002-01-01 Spanish Peseta
FIM 246 2 2002-01-01 Markka
FRF 250 2 2002-01-01 French Franc
GHC 288 2 2008-01-01 Cedi
GRD 300 0 2002-01-01 Drachma
HRK 191 2 2023-01-01 Kuna
IEP 372 2 2002-01-01 Irish Pound
ITL 380 0 2002-01-01 Italian Lira
LTL 440 2 2015-01-01 Lithuanian Litas
LUF 442 0 2002-01-01 Luxembourg Franc
LVL 428 2 2014-01-01 Latvian Lats
MGF 450 0 2005-01-01 Malagasy Franc
MRO 478 2 2018-01-01 Ouguiya
MTL 470 2 2008-01-01 Maltese Lira
MZM 508 2 2006-07-01 Mozambique Metical
NLG 528 2 2002-01-01 Netherlands Guilder
PTE 620 0 2002-01-01 Portuguese Escudo
ROL 642 2 2005-07-01 Old Leu
SDD 736 2 2007-07-01 Sudanese Dinar
SIT 705 2 2007-01-01 Tolar
SKK 703 2 2009-01-01 Slovak Koruna
SLL 694 2 2024-01-01 Leone
SRG 740 2 2004-01-01 Surinam Guilder
STD 678 2 2018-01-01 Dobra
TMM 795 2 2009-01-01 Turkmenistan Manat
TRL 792 0 2006-01-01 Old Turkish Lira
USS 998 2 2014-03-28 US Dollar (Same day)
VEB 862 2 2008-01-01 Bolivar
VEF 937 2 2018-08-20 Bolivar
YUM 891 2 2003-07-01 New Dinar
ZMK 894 2 2013-01-01 Zambian Kwacha
ZWD 716 2 2008-08-01 Zimbabwe Dollar
ZWL 932 2 2024-09-01 Zimbabwe Dollar
ZWR 935 2 2009-06-01 Zimbabwe Dollar
"""


def _live(row: str) -> Currency:
    code, number, exponent, name = row.split(maxsplit=3)
    return Currency(code, number, int(exponent), name, None)


def _withdrawn(row: str) -> Currency:
    code, number, exponent, withdrawn_on, name = row.split(maxsplit=4)
    return Currency(code, number, int(exponent), name, date.fromisoformat(withdrawn_on))


CURRENCIES: Mapping[str, Currency] = {
    currency.code: currency
    for currency in (
        *map(_live, _LIVE.strip().splitlines()),
        *map(_withdrawn, _WITHDRAWN.strip().splitlines()),
    )
}
"""Every currency that can be read, by its code; which of them can be newly posted, `is_postable` says."""


def is_postable(code: str, on: date) -> bool:
    """Whether a new posting dated `on` may be in this currency: it is known and was not withdrawn by then."""
    currency = CURRENCIES.get(code)
    return currency is not None and (currency.withdrawn_on is None or on < currency.withdrawn_on)
