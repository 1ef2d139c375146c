package tair

import (
	"context"
	"io"
	"os"
	"strings"

	"tairssl/handler"
)

// TokenFile is the identity token in a file, the one that
// ALIBABA_CLOUD_OIDC_TOKEN_FILE names. It is read for each exchange, since who
// issues it writes it anew before it ends. Its errors are Forbidden.
func TokenFile(path string) TokenSource {
	return func(context.Context) (string, error) {
		file, err := os.Open(path)
		if err != nil {
			return "", noToken("%v", err)
		}
		defer func() { _ = file.Close() }()
		content, err := io.ReadAll(io.LimitReader(file, maxToken+2)) // a line's end may follow
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
