package chatops

var (
	LarkDecrypt = larkDecrypt
	HTMLText    = htmlText
	WeComSeal   = weComSeal
	WeComSign   = weComSign
	WeComOpen   = weComOpen
)
