// Command tairssl changes and shows the encryption of Tair instances, runs the
// functions on this machine, and emulates the cloud for them.
package main

import (
	"os"

	"tairssl/adapters/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Main(version)) }
