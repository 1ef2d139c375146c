package handler

// Version is that of the build, such as v1.2.3. The linker sets it.
var Version = "dev"

// UserAgent is how every call of another's API introduces itself.
func UserAgent() string { return "tairssl/" + Version }
