package chatops

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

var errCBC = errors.New("it cannot be decrypted")

// openCBC decrypts AES-CBC and removes the PKCS#7 padding. block is the block size of the
// padding in bytes. It may differ from the block size of AES.
func openCBC(key, iv, sealed []byte, block int) ([]byte, error) {
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, errCBC
	}
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(plain, sealed)
	n := int(plain[len(plain)-1])
	if n == 0 || n > block || n > len(plain) {
		return nil, errCBC
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, errCBC
		}
	}
	return plain[:len(plain)-n], nil
}
