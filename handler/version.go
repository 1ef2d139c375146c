package handler

// Version is the version of the build, such as v1.2.3. The linker sets it.
var Version = "dev"

// UserAgent is the header User-Agent of every call.
func UserAgent() string { return "tairssl/" + Version }
