package localruntime_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
)

const root = "../../.."

// BenchmarkStart measures the time from the start of a process to its first poll. Each
// iteration starts every variant once, in a rotating order, so that other load on the
// machine affects all variants alike. The figures are medians.
func BenchmarkStart(b *testing.B) {
	for cloud, variants := range map[localruntime.Cloud][]string{
		localruntime.Lambda: {"dist/lambda/bootstrap", "dist/bench/lambda-plain", "dist/bench/lambda-empty"},
		localruntime.FC:     {"dist/fc/bootstrap", "dist/bench/fc-plain"},
	} {
		b.Run(string(cloud), func(b *testing.B) {
			times := make([][]float64, len(variants))
			for n := 0; b.Loop(); n++ {
				for k := range variants {
					v := (k + n) % len(variants)
					p, err := localruntime.Start(context.Background(), cloud, filepath.Join(root, variants[v]), localruntime.Options{Env: []string{"PATH=/usr/bin"}})
					if err != nil {
						b.Fatalf("%v (run make bench)", err)
					}
					if err := p.WaitReady(context.Background()); err != nil {
						b.Fatal(err)
					}
					times[v] = append(times[v], float64(p.Ready().Microseconds())/1000)
					_ = p.Close()
				}
			}
			medians := make([]float64, len(variants))
			for v, name := range []string{"tairssl-ms", "plain-ms", "empty-ms"}[:len(variants)] {
				slices.Sort(times[v])
				medians[v] = times[v][len(times[v])/2]
				b.ReportMetric(medians[v], name)
			}
			b.ReportMetric(medians[0]/medians[1], "tairssl/plain")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var deadline = 30 * time.Second

func environment(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, extra...)
}
