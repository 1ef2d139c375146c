package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// API is what the handler needs of the instances' OpenAPI. Its methods may be
// called concurrently and end when their context does. They fail with an
// [*Error] whose Kind tells what happened. An error of a call that was never
// begun wraps [ErrNoTime]. Modify, Move and Tag set Uncertain if the call may have
// taken effect all the same. handlertest.Run is what an implementation must
// satisfy.
type API interface {
	// Instance reads an instance's status, endpoint and tags.
	Instance(ctx context.Context, ref Ref) (Instance, error)
	// SSL reads its encryption. That the type of the instance has no TLS is no
	// error, but [SSL].NoTLS.
	SSL(ctx context.Context, ref Ref) (SSL, error)
	// List reads a page of at most [PageSize] of a region's instances. The first
	// page is 1.
	List(ctx context.Context, region string, filter Filter, page int) (Listing, error)
	// Schedule reads what Alibaba itself has scheduled for an instance's certificate,
	// what has ended included. Of a ref without an InstanceID it reads all of the
	// region that is pending or in progress.
	Schedule(ctx context.Context, ref Ref) ([]Renewal, error)
	// Modify sends ModifyInstanceSSL once and never again. It refuses to send a
	// request whose signed Timestamp is later than signBy, with an error that
	// wraps [ErrLate]. Its error wraps [ErrAlready] or [ErrBusy] where the API
	// refused for that reason.
	Modify(ctx context.Context, ref Ref, action Action, signBy time.Time) (Receipt, error)
	// Move asks once, and never again, for another time of one of Alibaba's own
	// renewals. It refuses what is signed later than signBy, as Modify does.
	Move(ctx context.Context, r Renewal, to, signBy time.Time) error
	// Tag sets one tag of the instance, whether it is there or not. Its error
	// wraps [ErrTagRefused] if the number of tags or a tag policy forbids it.
	Tag(ctx context.Context, ref Ref, key, value string) error
	// Untag removes tags by one call; a tag that is not there is no error.
	Untag(ctx context.Context, ref Ref, keys ...string) error
}

const (
	// PageSize is how many instances a page of the listing holds at most.
	PageSize = 50
	// MaxIDs is how many ids a [Filter] holds at most.
	MaxIDs = 30
	// MaxTags is how many tags an instance takes.
	MaxTags = 20
)

// What an [API] wraps in an Error's Err so that the handler can tell these
// failures from the rest without reading codes or messages.
var (
	// ErrAlready: the instance is already in the state that was asked for.
	ErrAlready = errors.New("already in that state")
	// ErrBusy: the instance is being changed and takes no other change now.
	ErrBusy = errors.New("instance is busy")
	// ErrNotSent: nothing was sent, so surely nothing was done.
	ErrNotSent = errors.New("not sent")
	// ErrNoTime: the call was not begun, because the invocation would end before
	// its turn.
	ErrNoTime = fmt.Errorf("no time for the call: %w", ErrNotSent)
	// ErrLate: the write was signed too late and was not sent.
	ErrLate = fmt.Errorf("signed too late: %w", ErrNotSent)
	// ErrRegion: the region is not one of those whose instances may be read and
	// changed.
	ErrRegion = fmt.Errorf("region is not configured: %w", ErrNotSent)
	// ErrTagRefused: the instance takes no more tags, or a tag policy forbids one.
	ErrTagRefused = errors.New("tag refused")
)

// Ref names an instance.
type Ref struct{ RegionID, InstanceID string }

// Filter chooses instances of a listing. The zero value chooses all.
type Filter struct {
	Tags map[string]string // only instances that have all of them; at most 5, with Key
	Key  string            // only instances that have a tag of this key, whatever its value
	IDs  []string          // only these; at most [MaxIDs]
	// Members chooses the members of global instances.
	Members bool
	// Search chooses those whose id or InstanceName holds this text. It is not
	// documented whether the API tells upper from lower case.
	Search string
}

// Listing is one page of a region's instances.
type Listing struct {
	Instances []Listed
	Total     int       // of all pages
	At        time.Time // by the API's clock
}

// Listed is an instance as a listing shows it.
type Listed struct {
	Ref
	Instance
}

// Instance is what the API says of an instance, beside its encryption.
type Instance struct {
	Region           string // where the API says that it is: one endpoint serves several regions
	Name             string // InstanceName, which its owner may change
	Type             string // InstanceType: "Redis", "Tair", "Memcache"
	GlobalID         string // GlobalInstanceId of the global instance that it belongs to; "" for none
	Status           string // InstanceStatus: "Normal", "SSLModifying" and others, some yet unknown
	ConnectionDomain string
	Port             int
	Tags             map[string]string
	// Its maintenance window, as the API writes it: "18:00Z". A listing lacks it.
	MaintainStartTime, MaintainEndTime string
	// Renewal is how Alibaba itself renews the certificate, as [Handler.Renewal] says;
	// zero if it does not, or if it was not asked.
	Renewal Renewal
	// taken are the times at which Alibaba renews other members of the same global
	// instance, where Renewal is to be moved.
	taken []time.Time
	// At is the API's clock when it answered (the header Date).
	At time.Time
}

// SSL is what the API says of an instance's encryption.
type SSL struct {
	NoTLS           bool // the type of the instance has no TLS; all else is zero then
	Enabled         bool
	Expires         time.Time // zero while disabled
	CommonName      string
	CertDownloadURL string
	At              time.Time // by the API's clock
}

// Receipt is the API's word that it will make a change.
type Receipt struct{ RequestID, TaskID string }

// offTag set to "off" keeps unattended changes from an instance.
const offTag = "tairssl"

// Off reports that an instance's tag keeps unattended changes from it.
func (i Instance) Off() bool { return strings.EqualFold(i.Tags[offTag], "off") }
