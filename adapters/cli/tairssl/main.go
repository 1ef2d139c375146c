// Command tairssl shows and changes the encryption of Tair instances, runs the functions
// on this machine, and emulates the cloud for them.
package main

import (
	"os"

	"tairssl/adapters/cli"
	"tairssl/handler"
)

func main() { os.Exit(cli.Main(handler.Version)) }
