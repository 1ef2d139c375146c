package chatops

import (
	"cmp"
	"crypto/aes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// Feishu signs its requests, and encrypts them if the app has an encrypt key.

const (
	feishuSignature = "X-Lark-Signature"
	feishuTime      = "X-Lark-Request-Timestamp"
	feishuNonce     = "X-Lark-Request-Nonce"
)

// feishuScheme is a SHA-256 over time, nonce, encrypt key and body. Source: Feishu Open
// Platform, Encrypt Key.
//
// The platform checks the ownership of an address by a challenge. A challenge may come
// without a signature. Then it must contain the verification token.
func feishuScheme(o FeishuSettings) webhook.Scheme {
	return webhook.NewScheme("feishu", handler.Signed, func(m webhook.Message) error {
		token := string(o.FeishuVerificationToken)
		if m.Header.Values(feishuSignature) == nil {
			event, err := o.open(m.Body)
			if err != nil {
				return err
			}
			if event.Type != "url_verification" || token == "" || !webhook.Same(token, event.Token) {
				return errors.New("it is not signed, and it is not a challenge with the verification token")
			}
			return nil
		}
		at, err := m.Fresh(feishuTime, time.Second)
		if err != nil {
			return err
		}
		nonce, err := m.Only(feishuNonce)
		if err != nil {
			return err
		}
		signature, err := m.Only(feishuSignature)
		if err != nil {
			return err
		}
		if token != "" && webhook.Same(signature, oldFeishuSign(token, at, nonce, m.Body)) {
			event, err := o.open(m.Body)
			if err == nil && !event.isOldCard() {
				err = errors.New("it is signed like the button of an old card, but is not one")
			}
			return err
		}
		if err := o.FeishuEncryptKeys.Any(func(key string) bool { return webhook.Same(signature, feishuSign(key, at, nonce, m.Body)) }); err != nil {
			return err
		}
		event, err := o.open(m.Body)
		if err == nil && token != "" && !webhook.Same(token, cmp.Or(event.Header.Token, event.Token)) {
			err = errors.New("its verification token is wrong")
		}
		return err
	})
}

func feishuSign(key, at, nonce string, body []byte) string {
	sum := sha256.Sum256([]byte(at + nonce + key + string(body)))
	return hex.EncodeToString(sum[:])
}

// oldFeishuSign is the signature of a card's button in the old version. The only answer
// to such a button explains how to get the new version.
func oldFeishuSign(token, at, nonce string, body []byte) string {
	sum := sha1.Sum([]byte(at + nonce + token + string(body)))
	return hex.EncodeToString(sum[:])
}

// SignFeishu returns Feishu's headers for a body.
func SignFeishu(key, nonce string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{feishuTime: {at}, feishuNonce: {nonce}, feishuSignature: {feishuSign(key, at, nonce, body)}}
}

// open reads a body, and decrypts it if it is encrypted.
func (o FeishuSettings) open(body []byte) (e feishuEvent, err error) {
	var envelope struct{ Encrypt string }
	if read(body, &envelope) != nil {
		return e, errors.New("the body is not JSON")
	}
	if envelope.Encrypt == "" {
		return e, read(body, &e)
	}
	for _, key := range o.FeishuEncryptKeys {
		plain, err := feishuDecrypt(key, envelope.Encrypt)
		if err == nil && read(plain, &e) == nil {
			return e, nil
		}
	}
	return e, errors.New("the body cannot be decrypted by any of the keys")
}

// feishuDecrypt decrypts AES-256-CBC. The key is the SHA-256 of the encrypt key, and the
// first block is the IV.
func feishuDecrypt(key, text string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) < aes.BlockSize {
		return nil, errCBC
	}
	sum := sha256.Sum256([]byte(key))
	return openCBC(sum[:], sealed[:aes.BlockSize], sealed[aes.BlockSize:], aes.BlockSize)
}
