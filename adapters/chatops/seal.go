package chatops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"tairssl/handler"
)

// Handed work is {"Handed":"…"}: the message as JSON, encrypted with AES-256-GCM, in
// base64url. The key is derived from Options.Key. The labels name the purpose and the
// version. So another text that is encrypted or signed with the same key cannot pass for
// handed work.
const (
	handedKey  = "tairssl: the key of handed work, 1"
	handedData = "tairssl: handed work, 1"
	// maxHanded is the greatest payload, in bytes. Function Compute takes 128 KB.
	maxHanded = 64 << 10
)

// handed is the payload.
type handed struct{ Handed string }

// sealer makes the cipher. It uses a random nonce each time.
func sealer(key []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, handedKey, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal makes the payload that hands a message over.
func (b *Bot) seal(m Message) ([]byte, error) {
	aead, err := sealer(b.Key)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, nil, handler.JSON(m), []byte(handedData))
	payload := handler.JSON(handed{base64.RawURLEncoding.EncodeToString(sealed)})
	if len(payload) > maxHanded {
		return nil, handler.Errorf(handler.Invalid, "the message is too long")
	}
	return payload, nil
}

// Open reads a payload that was given to [Options].Hand. It must be the whole payload of
// an invocation. Its error is always Unauthorized.
func (b *Bot) Open(payload []byte) (m Message, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(sealedIn(payload))
	if err != nil || len(sealed) == 0 || len(b.Key) == 0 {
		return Message{}, errHanded()
	}
	aead, err := sealer(b.Key)
	if err != nil {
		return Message{}, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(handedData))
	if err != nil || json.Unmarshal(plain, &m) != nil {
		return Message{}, errHanded()
	}
	return m, nil
}

func errHanded() error {
	return handler.Errorf(handler.Unauthorized, "this bot did not make this handed work: it was sealed with another TAIRSSL_CONFIRM_KEY, or it was forged or altered")
}

// sealedIn is the encrypted text of a payload; "" if the payload has another form.
func sealedIn(payload []byte) (text string) {
	payload = bytes.TrimSpace(payload)
	if len(payload) > maxHanded || !json.Valid(payload) || payload[0] != '{' {
		return ""
	}
	for name, value := range handler.Members(payload) {
		if name != "Handed" || text != "" {
			return ""
		}
		text = handler.Unquote(value)
	}
	return text
}
