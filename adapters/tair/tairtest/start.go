package tairtest

// TB is the part of testing.TB that [Start] uses. This package does not import testing,
// because the command line links it.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// Emulate makes an emulator for a test. It holds the instances, and closes when the test
// ends.
func Emulate(t TB, o Options, instances ...Instance) *Emulator {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Put(instances...); err != nil {
		t.Fatal(err)
	}
	return e
}

// Start is Emulate with an emulator that listens on loopback. It also returns its URL.
func Start(t TB, o Options, instances ...Instance) (*Emulator, string) {
	t.Helper()
	e := Emulate(t, o, instances...)
	url, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return e, url
}
