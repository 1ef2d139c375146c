package function

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
)

const (
	// resolveTimeout limits all references together.
	resolveTimeout = 5 * time.Second
	// maxSecret is the greatest content of a file, in bytes. AWS has the same limit for
	// secrets.
	maxSecret = 64 << 10
)

// Resolve replaces every reference in the environment by the value to which it refers.
// Settings and access keys may be references:
//
//	file:/path                        the content of a file
//	secretsmanager:NAME or :ARN       a secret of AWS Secrets Manager
//	secretsmanager:NAME#KEY           a string in a secret that is a JSON object
//	ssm:/path/name                    a parameter of AWS Systems Manager, decrypted
//	kms:NAME or kms:NAME#KEY          a secret of Alibaba's KMS, or a string in it
//
// A line break after the value is removed. AWS's values are read through the AWS
// Parameters and Secrets Lambda extension, which answers only during an invocation.
// Alibaba's KMS is read through the vault, which exists only on Function Compute. CA_FILE
// is always a path.
//
// The error names every fault by its variable, and never contains a value. It is
// Unavailable if a later try can help. The environment that is returned with an error
// lacks the faulty variables. Without a reference the environment stays as it is.
//
// SETTINGS and SECRETS are replaced by the settings that they contain; see [Bundle].
// SETTINGS may contain references. The value of a reference may not be a reference.
//
// Source: AWS Systems Manager User Guide, "Using Parameter Store parameters in AWS Lambda
// functions", and the Secrets Manager page of the Lambda guide.
func Resolve(ctx context.Context, environ []string, vault ...Vault) ([]string, error) {
	var faults [3]error
	if plain := bundles[0]; !refers(Getenv(environ)(plain)) {
		environ, faults[0] = unbundle(environ, plain)
	}
	environ, faults[1] = follow(ctx, environ, vault...)
	for _, bundle := range bundles {
		var fault error
		environ, fault = unbundle(environ, bundle)
		faults[2] = errors.Join(faults[2], fault)
	}
	return environ, errors.Join(faults[:]...)
}

// Vault reads a secret of the function's own cloud. Its error is Unavailable or Throttled
// if a later try can help. The error contains neither the name nor the value.
type Vault func(ctx context.Context, name string) (string, error)

// refers reports whether a value is a reference.
func refers(value string) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(value), ":")
	return scheme == "file" || scheme == kms || stores[scheme] != (store{})
}

// follow replaces the references by their values.
func follow(ctx context.Context, environ []string, vault ...Vault) ([]string, error) {
	var references []*reference
	for n, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		scheme, name, _ := strings.Cut(strings.TrimSpace(value), ":")
		if refers(value) && mayRefer(variable) {
			references = append(references, &reference{entry: n, variable: variable, scheme: scheme, name: name})
		}
	}
	if len(references) == 0 {
		return environ, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	keepers := keepers{extension: newExtension(Getenv(environ))}
	if len(vault) > 0 {
		keepers.vault = vault[0]
	}
	var all sync.WaitGroup
	for _, r := range references {
		all.Go(func() { r.value, r.err = r.read(ctx, keepers) })
	}
	all.Wait()

	environ = slices.Clone(environ)
	var faults []error
	for _, r := range references {
		if r.value = strings.TrimRight(r.value, "\r\n"); r.err == nil && r.value == "" {
			r.err = errors.New("the value that it refers to is empty")
		}
		if r.err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", r.variable, r.err))
			r.value = ""
		}
		environ[r.entry] = r.variable + "=" + r.value
	}
	return environ, errors.Join(faults...)
}

// mayRefer reports whether the value of a variable may be a reference.
func mayRefer(variable string) bool {
	name, ok := strings.CutPrefix(variable, Prefix)
	return ok && name != "CA_FILE" && slices.Contains(names(), name) || variable == accessKeyID || variable == accessKeySecret
}

type reference struct {
	entry                  int
	variable, scheme, name string
	value                  string
	err                    error
}

// keepers read the secrets.
type keepers struct {
	extension extension
	vault     Vault
}

// kms is the scheme of references to the vault.
const kms = "kms"

func (k keepers) read(ctx context.Context, scheme, name string) (string, error) {
	if scheme != kms {
		return k.extension.read(ctx, stores[scheme], name)
	}
	if k.vault == nil {
		return "", errors.New("only a function on Function Compute can read secrets of Alibaba's KMS")
	}
	value, err := k.vault(ctx, name)
	if err == nil {
		return value, nil
	}
	if handler.AsError(err).Retryable {
		err = passing{err}
	}
	return "", err
}

func (r *reference) read(ctx context.Context, k keepers) (string, error) {
	if r.scheme == "file" {
		return readFile(r.name)
	}
	name, key, keyed := strings.Cut(r.name, "#")
	if !regexp.MustCompile(`^[\w/+=.@:-]+$`).MatchString(name) || keyed && (r.scheme == "ssm" || key == "") {
		return "", fmt.Errorf("want %s", cmp.Or(stores[r.scheme].form, "kms:NAME, the secret's name, or kms:NAME#KEY"))
	}
	value, err := k.read(ctx, r.scheme, name)
	if err != nil || !keyed {
		return value, err
	}
	var object map[string]any
	if json.Unmarshal([]byte(value), &object) != nil {
		return "", errors.New("the secret is no JSON object: leave out #KEY, or store one")
	}
	if value, ok := object[key].(string); ok {
		return value, nil
	}
	return "", errors.New("the secret has no string of that #KEY")
}

func readFile(path string) (string, error) {
	file, err := os.Open(path)
	var content []byte
	if err == nil {
		content, err = io.ReadAll(io.LimitReader(file, maxSecret+1))
		_ = file.Close()
	}
	var named *fs.PathError
	switch {
	case errors.As(err, &named):
		return "", fmt.Errorf("the file cannot be read: %w", named.Err)
	case err != nil:
		return "", fmt.Errorf("the file cannot be read: %w", err)
	case len(content) > maxSecret:
		return "", fmt.Errorf("the file is longer than %d bytes", maxSecret)
	}
	return string(content), nil
}
