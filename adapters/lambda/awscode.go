package lambda

import (
	"slices"
	"strings"

	"tairssl/handler"
)

// awsCode is a row of a table of AWS's error codes: what they mean, and what to do.
type awsCode struct {
	codes []string // without the ending "Exception"
	kind  handler.Kind
	fix   string
}

// meaningOf finds the row of an error code. AWS writes codes with and without the ending
// "Exception".
func meaningOf(code string, rows []awsCode) (row awsCode, known bool) {
	code = strings.TrimSuffix(code, "Exception")
	i := slices.IndexFunc(rows, func(row awsCode) bool { return slices.Contains(row.codes, code) })
	if i < 0 {
		return awsCode{}, false
	}
	return rows[i], true
}
