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
	// resolveTimeout bounds all references together.
	resolveTimeout = 5 * time.Second
	// maxSecret bounds what a file holds, as AWS does secrets.
	maxSecret = 64 << 10
)

// Resolve gives the environment in which every setting and every access key
// that is kept elsewhere is put in the place of the reference to it:
//
//	file:/path                        what a file holds
//	secretsmanager:NAME or :ARN       a secret of AWS Secrets Manager
//	secretsmanager:NAME#KEY           a string of a secret that is a JSON object
//	ssm:/path/name                    a parameter of AWS Systems Manager, decrypted
//	kms:NAME or kms:NAME#KEY          the same of a secret of Alibaba's KMS
//
// A line's end after the value is dropped. What AWS keeps is read by way of the
// AWS Parameters and Secrets Lambda extension, which answers during an
// invocation only. Alibaba's KMS is read by the vault, which is there on Function
// Compute only. CA_FILE is a path in any case.
//
// The error names every fault at once by its variable, and never a value; it is
// Unavailable if a later try may do. The environment returned with it lacks the
// variables that it names. Without a reference nothing happens.
//
// SETTINGS and SECRETS are replaced by the settings that they hold, see [Bundle].
// What SETTINGS holds may be references; what a reference leads to may not.
//
// Source: AWS Systems Manager User Guide, "Using Parameter Store parameters in
// AWS Lambda functions", and the Secrets Manager page of the Lambda guide.
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

// Vault reads a secret of the cloud that the function runs on. Its error is
// Unavailable or Throttled if a later try may do, and shows neither name nor value.
type Vault func(ctx context.Context, name string) (string, error)

// refers tells a value that is a reference.
func refers(value string) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(value), ":")
	return scheme == "file" || scheme == kms || stores[scheme] != (store{})
}

// follow puts the values in the place of the references to them.
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
			r.err = errors.New("what it refers to is empty")
		}
		if r.err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", r.variable, r.err))
			r.value = ""
		}
		environ[r.entry] = r.variable + "=" + r.value
	}
	return environ, errors.Join(faults...)
}

// mayRefer tells the variables whose value may be a reference.
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

// keepers are what secrets are read by.
type keepers struct {
	extension extension
	vault     Vault
}

// kms is the scheme of the vault.
const kms = "kms"

func (k keepers) read(ctx context.Context, scheme, name string) (string, error) {
	if scheme != kms {
		return k.extension.read(ctx, stores[scheme], name)
	}
	if k.vault == nil {
		return "", errors.New("what Alibaba's KMS keeps can be read on Function Compute only")
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
