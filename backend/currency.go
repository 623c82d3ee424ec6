package backend

import "strings"

// Currency is a code of ISO 4217 in upper case, such as "EUR". The zero value means no
// currency.
type Currency string

// The currencies in which people hold money, from ISO 4217 list one: without precious
// metals and the codes for funds, bond units, tests and "no currency".
const currenciesInUse = `
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN
BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB
EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD
MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR
PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU
UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`

// Those withdrawn since 2015 (ISO 4217 list three), which entries of their time have.
const currenciesWithdrawn = `ANG BGN BYR CUC HRK LTL MRO SLL STD VEF ZWL`

var currencies = currencySet(currenciesInUse + " " + currenciesWithdrawn)

func currencySet(codes string) map[Currency]bool {
	set := map[Currency]bool{}
	for code := range strings.FieldsSeq(codes) {
		set[Currency(code)] = true
	}
	return set
}

// Valid reports whether c is a currency of ISO 4217, in use or withdrawn since 2015.
func (c Currency) Valid() bool { return currencies[c] }
