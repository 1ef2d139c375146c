package handlertest

import (
	"os"
	"path/filepath"
	"testing"
)

// Samples reads the sample events of a folder, by the names of their files. A folder
// without any fails the test.
func Samples(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s contains no samples: %v", folder, err)
	}
	samples := map[string][]byte{}
	for _, file := range files {
		if samples[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return samples
}
