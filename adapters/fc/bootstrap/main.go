// Command bootstrap is the function on Alibaba Function Compute.
package main

import (
	"os"

	"tairssl/adapters/fc"
)

func main() { fc.Start(os.Environ(), os.Stderr) }
