package handler

// TableSizes counts the rows of the table of answers.
func TableSizes() (outcomeRows, kindRows int) { return len(answers), len(kinds) }
