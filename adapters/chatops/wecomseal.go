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
)

// WeCom signs and encrypts its messages, and takes answers in the same form. Source:
// WeCom, 加解密方案说明.

func weComKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("it is not an EncodingAESKey, which has 43 characters")
	}
	return key, nil
}

// weComSealed is the encrypted text: a member of the body, or the parameter of an address
// check.
func weComSealed(echo string, body []byte) string {
	if len(body) == 0 {
		return echo
	}
	var envelope struct{ Encrypt string }
	_ = xml.Unmarshal(body, &envelope) // a body that is not XML has no signature
	return envelope.Encrypt
}

func weComSign(token, at, nonce, sealed string) string {
	parts := []string{token, at, nonce, sealed}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// weComBlock is the size to which messages are padded. The block of AES has 16 bytes.
const weComBlock = 32

// weComOpen decrypts a text: 16 random bytes, the length, the message, and the company.
func weComOpen(encoded, sealed string) (message []byte, company string, err error) {
	key, err := weComKey(encoded)
	text, err64 := base64.StdEncoding.DecodeString(sealed)
	if err != nil || err64 != nil {
		return nil, "", errCBC
	}
	plain, err := openCBC(key, key[:aes.BlockSize], text, weComBlock)
	if err != nil {
		return nil, "", err
	}
	const head = 16 + 4
	if len(plain) < head || uint64(binary.BigEndian.Uint32(plain[16:])) > uint64(len(plain)-head) {
		return nil, "", errCBC
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
	_, _ = rand.Read(plain) // it never fails
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

// weComEnvelope encrypts and signs a message with a callback.
func weComEnvelope(callback, at, nonce string, message []byte, company string) ([]byte, error) {
	token, key, _ := strings.Cut(callback, ":")
	sealed, err := weComSeal(key, message, company)
	if err != nil {
		return nil, err
	}
	return []byte("<xml>" + element("Encrypt", sealed) + element("MsgSignature", weComSign(token, at, nonce, sealed)) +
		element("TimeStamp", at) + element("Nonce", nonce) + "</xml>"), nil
}

// signWeCom makes WeCom's request: an envelope, with the signature in the query. The
// company is the receiver in the message.
func signWeCom(callback string, now time.Time, body []byte) (Signed, error) {
	var message struct{ ToUserName string }
	if err := xml.Unmarshal(body, &message); err != nil {
		return Signed{}, errors.New("the body is not the XML of a message")
	}
	at, nonce := strconv.FormatInt(now.Unix(), 10), "tairssl"
	envelope, err := weComEnvelope(callback, at, nonce, body, message.ToUserName)
	if err != nil {
		return Signed{}, errors.New("the secret is not a token, a colon and an EncodingAESKey of 43 characters")
	}
	token, _, _ := strings.Cut(callback, ":")
	signature := weComSign(token, at, nonce, weComSealed("", envelope))
	return Signed{
		Query:  url.Values{"msg_signature": {signature}, "timestamp": {at}, "nonce": {nonce}},
		Header: http.Header{}, Body: envelope,
	}, nil
}

// readWeCom decrypts an answer.
func readWeCom(callback string, answer []byte) (string, error) {
	token, key, _ := strings.Cut(callback, ":")
	var envelope struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
	if xml.Unmarshal(answer, &envelope) != nil || envelope.Encrypt == "" {
		return "", errors.New("it is not an encrypted answer")
	}
	if !webhook.Same(envelope.MsgSignature, weComSign(token, envelope.TimeStamp, envelope.Nonce, envelope.Encrypt)) {
		return "", webhook.ErrWrong
	}
	plain, _, err := weComOpen(key, envelope.Encrypt)
	var message struct{ Content string }
	if err == nil {
		err = xml.Unmarshal(plain, &message)
	}
	return message.Content, err
}
