// Command bootstrap is the function on AWS Lambda.
package main

import (
	"os"

	"tairssl/adapters/lambda"
)

func main() { lambda.Start(os.Environ(), os.Stdout) }
