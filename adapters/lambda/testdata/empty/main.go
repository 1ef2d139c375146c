// Command empty is the smallest function that runs on Lambda. No function starts faster.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
