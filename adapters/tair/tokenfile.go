package tair

import (
	"context"
	"io"
	"os"
	"strings"

	"tairssl/handler"
)

// TokenFile reads the identity token from a file, the file of
// ALIBABA_CLOUD_OIDC_TOKEN_FILE. It reads the file for each exchange, because the issuer
// replaces the token before the token ends. Its errors are Forbidden.
func TokenFile(path string) TokenSource {
	return func(context.Context) (string, error) {
		file, err := os.Open(path)
		if err != nil {
			return "", noToken("%v", err)
		}
		defer func() { _ = file.Close() }()
		content, err := io.ReadAll(io.LimitReader(file, maxToken+2)) // the token may end with a line break
		token := strings.TrimSpace(string(content))
		switch {
		case err != nil:
			return "", noToken("%v", err)
		case token == "":
			return "", noToken("%s is empty", path)
		case len(token) > maxToken:
			return "", noToken("%s is longer than %d bytes", path, maxToken)
		}
		return token, nil
	}
}

func noToken(format string, args ...any) error {
	return handler.Errorf(handler.Forbidden, "the file of ALIBABA_CLOUD_OIDC_TOKEN_FILE gave no identity token: "+format, args...)
}
