package handler

// TableSizes counts the rows of the table of answers.
func TableSizes() (outcomeRows, kindRows int) { return len(answers), len(kinds) }

// ReadFlag reads a tag as a flag, and gives the value that it would be written
// with.
func ReadFlag(key, value string) (written string, ok bool) {
	f, ok := parseFlag(key, value)
	return f.value(), ok
}
