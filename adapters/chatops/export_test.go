package chatops

var (
	FeishuDecrypt = feishuDecrypt
	HTMLText      = htmlText
	WeComSeal     = weComSeal
	WeComSign     = weComSign
	WeComOpen     = weComOpen
)
