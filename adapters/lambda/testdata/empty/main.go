// Command empty is the least that can run on Lambda: the floor of any start.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
