package chatops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// feishuEvent contains the fields in use of an event: a challenge, a message or a button.
type feishuEvent struct {
	// Fields of a challenge.
	Type, Token, Challenge string
	// Field of a card's button in the old version, which has no header.
	OpenMessageID string `json:"open_message_id"`

	Header struct {
		EventID   string `json:"event_id"`
		EventType string `json:"event_type"`
		TenantKey string `json:"tenant_key"`
		Token     string
	}
	Event struct {
		// Fields of a message.
		Sender struct {
			SenderID struct {
				OpenID string `json:"open_id"`
			} `json:"sender_id"`
			SenderType string `json:"sender_type"` // "app" for a bot
			TenantKey  string `json:"tenant_key"`
		}
		Message struct {
			MessageID   string `json:"message_id"`
			ChatID      string `json:"chat_id"`
			MessageType string `json:"message_type"`
			Content     string
			Mentions    []struct{ Key string }
		}
		// Fields of a button.
		Operator struct {
			OpenID    string `json:"open_id"`
			TenantKey string `json:"tenant_key"`
		}
		Action  struct{ Value json.RawMessage }
		Context struct {
			OpenChatID    string `json:"open_chat_id"`
			OpenMessageID string `json:"open_message_id"`
		}
	}
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

// feishuDecrypt decrypts AES-256-CBC. The key is the SHA-256 of the encrypt key, the
// first block is the IV, and the padding is PKCS#7.
func feishuDecrypt(key, text string) ([]byte, error) {
	bad := errors.New("this is not an encrypted body")
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, bad
	}
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, bad
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, bad
		}
	}
	return plain[:len(plain)-n], nil
}

// isOldCard reports whether a card's button came in the old version, in which events have
// no header.
func (e feishuEvent) isOldCard() bool {
	return e.Header.EventType == "" && e.Type == "" && e.OpenMessageID != ""
}
