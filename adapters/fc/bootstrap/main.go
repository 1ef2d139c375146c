// Command bootstrap is the function on Alibaba Function Compute.
package main

import (
	"os"

	"tairssl/adapters/fc"
)

func main() { os.Exit(fc.Start(os.Environ(), os.Stderr)) }
