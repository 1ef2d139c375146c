package chatops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// WeComSettings are those of WeCom.
type WeComSettings struct {
	WeComCallbacks WeComCallbacks `env:"WECOM_CALLBACKS" help:"TOKEN:EncodingAESKey pairs of the WeCom app's callback: opens /wecom"`
	WeComCorpID    string         `env:"WECOM_CORP_ID" help:"id of the company whose messages that callback takes; none: of any"`
}

// WeComCallbacks are pairs of a token and an EncodingAESKey, which is base64
// without the sign at its end.
type WeComCallbacks struct{ webhook.Secrets }

// UnmarshalText reads a comma-separated list.
func (s *WeComCallbacks) UnmarshalText(text []byte) error {
	if err := s.Secrets.UnmarshalText(text); err != nil {
		return err
	}
	for _, pair := range s.Secrets {
		token, key, _ := strings.Cut(pair, ":")
		if _, err := weComKey(key); err != nil || token == "" {
			return errors.New("an entry is not a token, a colon and an EncodingAESKey of 43 characters")
		}
	}
	return nil
}

func weComKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("it is not an EncodingAESKey, which has 43 characters")
	}
	return key, nil
}

// weCom is a self-built app's callback in WeCom. Its answer is the body; there is
// no way to answer later without another secret. Source: WeCom, 回调配置 and
// 加解密方案说明.
var weCom = Platform{
	Name: "wecom", Title: "WeCom", Route: "/wecom", Setting: "WECOM_CALLBACKS", Media: "text/xml",
	within:  longLimit,
	methods: "GET, POST",
	media:   func(media string) bool { return media == "text/xml" || media == "application/xml" },
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.WeComCallbacks.Secrets, weComScheme(s.WeComSettings))
	},
	decode: decodeWeCom,
	encode: encodeWeCom,
}

// weComScheme is a SHA-1 over token, time, nonce and the encrypted message, which
// stand in the query but for the last.
func weComScheme(s WeComSettings) webhook.Scheme {
	return webhook.NewScheme("wecom", handler.Signed, func(m webhook.Message) error {
		for _, name := range []string{"timestamp", "nonce", "msg_signature"} {
			if len(m.Query[name]) != 1 || m.Query.Get(name) == "" {
				return errors.New("the parameter " + name + " is missing, empty or doubled")
			}
		}
		if err := m.Within("timestamp", m.Query.Get("timestamp"), time.Second); err != nil {
			return err
		}
		_, _, company, err := s.authentic(m.Query, m.Body)
		if err == nil && s.WeComCorpID != "" && company != s.WeComCorpID {
			err = errors.New("it is of another company")
		}
		return err
	})
}

// authentic gives what was signed and encrypted by one of the callbacks, and which.
func (s WeComSettings) authentic(query url.Values, body []byte) (message []byte, callback, company string, err error) {
	sealed := weComSealed(query.Get("echostr"), body)
	err = s.WeComCallbacks.Any(func(pair string) bool {
		token, key, _ := strings.Cut(pair, ":")
		if !webhook.Same(query.Get("msg_signature"), weComSign(token, query.Get("timestamp"), query.Get("nonce"), sealed)) {
			return false
		}
		var fault error
		message, company, fault = weComOpen(key, sealed)
		callback = pair
		return fault == nil
	})
	return message, callback, company, err
}

// weComSealed is what is encrypted: of a body its member, of a check the parameter.
func weComSealed(echo string, body []byte) string {
	if len(body) == 0 {
		return echo
	}
	var envelope struct{ Encrypt string }
	_ = xml.Unmarshal(body, &envelope) // what is no XML has no signature
	return envelope.Encrypt
}

func weComSign(token, at, nonce, sealed string) string {
	parts := []string{token, at, nonce, sealed}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// weComBlock is the size to which messages are padded, though AES has 16.
const weComBlock = 32

// weComOpen decrypts: 16 random bytes, the length, the message, and whose it is.
func weComOpen(encoded, sealed string) (message []byte, company string, err error) {
	bad := errors.New("it can not be decrypted")
	key, err := weComKey(encoded)
	text, err64 := base64.StdEncoding.DecodeString(sealed)
	if err != nil || err64 != nil || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, "", bad
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, "", err
	}
	plain := make([]byte, len(text))
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, text)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > weComBlock || pad > len(plain) {
		return nil, "", bad
	}
	plain = plain[:len(plain)-pad]
	const head = 16 + 4
	if len(plain) < head || uint64(binary.BigEndian.Uint32(plain[16:])) > uint64(len(plain)-head) {
		return nil, "", bad
	}
	end := head + int(binary.BigEndian.Uint32(plain[16:]))
	return plain[head:end], string(plain[end:]), nil
}

func weComSeal(encoded string, message []byte, company string) (string, error) {
	key, err := weComKey(encoded)
	if err != nil {
		return "", err
	}
	plain := make([]byte, 16, 64+len(message))
	_, _ = rand.Read(plain) // never fails
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(message)))
	plain = append(append(plain, message...), company...)
	pad := weComBlock - len(plain)%weComBlock
	for range pad {
		plain = append(plain, byte(pad))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}

// decodeWeCom reads a message to the app, or answers the check of its address.
func decodeWeCom(c *Chat, _ *Platform, q webhook.Request) heard {
	plain, _, company, err := c.Settings.authentic(q.HTTP().URL.Query(), q.Body())
	if err == nil && q.HTTP().Method == http.MethodGet {
		q.WriteAs(http.StatusOK, "text/plain; charset=utf-8", plain)
		return heard{done: true}
	}
	var message struct {
		FromUserName, MsgType, Content, AgentID string
		ID                                      string `xml:"MsgId"`
	}
	if err != nil || xml.Unmarshal(plain, &message) != nil {
		return heard{unread: "it is not XML of a message"}
	}
	if message.MsgType == "event" || message.FromUserName == "" {
		q.WriteAs(http.StatusOK, "text/plain; charset=utf-8", nil)
		return heard{done: true}
	}
	said := "help" // a picture asks for nothing
	if message.MsgType == "text" {
		said = message.Content
	}
	return heard{
		id:      message.ID,
		Message: Message{Tenant: company, User: message.FromUserName, Channel: message.AgentID, Text: said},
	}
}

// encodeWeCom answers by an encrypted message.
func encodeWeCom(c *Chat, q webhook.Request, h heard, r Reply) {
	now := strconv.FormatInt(c.Now().Unix(), 10)
	message := "<xml>" + element("ToUserName", h.User) + element("FromUserName", h.Tenant) + element("CreateTime", now) +
		element("MsgType", "text") + element("Content", strings.Join(r.Lines, "\n")) + "</xml>"
	query := q.HTTP().URL.Query()
	_, callback, company, _ := c.Settings.authentic(query, q.Body()) // it was, a moment ago
	token, key, _ := strings.Cut(callback, ":")
	sealed, err := weComSeal(key, []byte(message), company)
	if err != nil {
		q.Write(http.StatusOK, nil)
		return
	}
	nonce := query.Get("nonce")
	q.WriteAs(http.StatusOK, "application/xml; charset=utf-8", []byte("<xml>"+element("Encrypt", sealed)+
		element("MsgSignature", weComSign(token, now, nonce, sealed))+element("TimeStamp", now)+element("Nonce", nonce)+"</xml>"))
}

// element is one of XML with a text in it, as the vendor writes its own.
func element(name, text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1 // which XML can not hold
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return "<" + name + "><![CDATA[" + strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") + "]]></" + name + ">"
}
