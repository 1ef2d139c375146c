package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// API is the part of the instances' OpenAPI that the handler uses. Its methods may be
// called concurrently, and they return when their context ends. They fail with an
// [*Error] whose Kind classifies the failure. If too little time was left to begin a
// call, its error wraps [ErrNoTime]. Modify, Move and Tag set Uncertain if the call may
// have taken effect although it failed. Every implementation has to pass handlertest.Run.
type API interface {
	// Instance reads an instance's status, endpoint and tags.
	Instance(ctx context.Context, ref Ref) (Instance, error)
	// SSL reads the instance's encryption. If the type of the instance has no TLS, that
	// is no error: [SSL].NoTLS is set.
	SSL(ctx context.Context, ref Ref) (SSL, error)
	// List reads a page of at most [PageSize] of a region's instances. The first
	// page is 1.
	List(ctx context.Context, region string, filter Filter, page int) (Listing, error)
	// Schedule reads the renewals of an instance's certificate that Alibaba itself has
	// scheduled, including those that have ended. For a ref without an InstanceID it
	// reads all renewals of the region that are pending or in progress.
	Schedule(ctx context.Context, ref Ref) ([]Renewal, error)
	// Modify sends ModifyInstanceSSL once and never again. It refuses to send a request
	// whose signed Timestamp is later than signBy, with an error that wraps [ErrLate].
	// Its error wraps [ErrAlready] or [ErrBusy] if the API refused for that reason.
	Modify(ctx context.Context, ref Ref, action Action, signBy time.Time) (Receipt, error)
	// Move asks Alibaba, with a single request, to renew at another time. It refuses to
	// send a request that is signed later than signBy, as Modify does.
	Move(ctx context.Context, r Renewal, to, signBy time.Time) error
	// Tag sets one tag of the instance. It replaces the value of a tag that exists. Its
	// error wraps [ErrTagRefused] if the number of tags or a tag policy forbids the tag.
	Tag(ctx context.Context, ref Ref, key, value string) error
	// Untag removes tags by one call. It is no error if a tag does not exist.
	Untag(ctx context.Context, ref Ref, keys ...string) error
}

const (
	// PageSize is the greatest number of instances on one page of the listing.
	PageSize = 50
	// MaxIDs is the greatest number of ids in a [Filter].
	MaxIDs = 30
	// MaxTags is the greatest number of tags of an instance.
	MaxTags = 20
)

// An [API] wraps one of these errors in an Error's Err, so that the handler can recognise
// the failure without reading codes or messages.
var (
	// ErrAlready: the instance is already in the requested state.
	ErrAlready = errors.New("already in that state")
	// ErrBusy: the instance is being changed and takes no other change now.
	ErrBusy = errors.New("instance is busy")
	// ErrNotSent: nothing was sent, so nothing was changed.
	ErrNotSent = errors.New("not sent")
	// ErrNoTime: the call was not made, because the invocation would end before it.
	ErrNoTime = fmt.Errorf("no time for the call: %w", ErrNotSent)
	// ErrLate: the write was signed too late and was not sent.
	ErrLate = fmt.Errorf("signed too late: %w", ErrNotSent)
	// ErrRegion: the region is not configured, so its instances may not be read or
	// changed.
	ErrRegion = fmt.Errorf("region is not configured: %w", ErrNotSent)
	// ErrTagRefused: the instance takes no more tags, or a tag policy forbids the tag.
	ErrTagRefused = errors.New("tag refused")
)

// Ref names an instance.
type Ref struct{ RegionID, InstanceID string }

// Filter chooses instances of a listing. The zero value chooses all instances.
type Filter struct {
	Tags map[string]string // only instances that have all of these tags; at most 5, together with Key
	Key  string            // only instances that have a tag with this key, with any value
	IDs  []string          // only instances with these ids; at most [MaxIDs]
	// Members chooses only members of global instances.
	Members bool
	// Search chooses instances whose id or InstanceName contains this text. Alibaba does
	// not document whether upper and lower case differ.
	Search string
}

// Listing is one page of a region's instances.
type Listing struct {
	Instances []Listed
	Total     int       // number of instances on all pages
	At        time.Time // the API's clock when it answered
}

// Listed is an instance in a listing.
type Listed struct {
	Ref
	Instance
}

// Instance is the API's description of an instance, without its encryption.
type Instance struct {
	Region           string // the region that the API reports; one endpoint serves several regions
	Name             string // InstanceName; the owner may change it
	Type             string // InstanceType: "Redis", "Tair", "Memcache"
	GlobalID         string // GlobalInstanceId of the global instance to which it belongs; "" for none
	Status           string // InstanceStatus: "Normal", "SSLModifying" and others; Alibaba may add new ones
	ConnectionDomain string
	Port             int
	Tags             map[string]string
	// The instance's maintenance window in the form of the API: "18:00Z". A listing does
	// not have it.
	MaintainStartTime, MaintainEndTime string
	// Renewal is Alibaba's own renewal of the certificate; see [Handler.Renewal]. It is
	// zero if Alibaba does not renew the certificate, or if the schedule was not read.
	Renewal Renewal
	// taken holds the times at which Alibaba renews other members of the same global
	// instance. It is set only if Renewal has to be moved.
	taken []time.Time
	// At is the API's clock when it answered, from the header Date.
	At time.Time
}

// SSL is the API's description of an instance's encryption.
type SSL struct {
	NoTLS           bool // the type of the instance has no TLS; all other fields are zero then
	Enabled         bool
	Expires         time.Time // zero while encryption is off
	CommonName      string
	CertDownloadURL string
	At              time.Time // the API's clock when it answered
}

// Receipt is the API's confirmation that it will make a change.
type Receipt struct{ RequestID, TaskID string }

// offTag is the key of the owner's tag. The value "off" forbids unattended changes.
const offTag = "tairssl"

// Off reports whether the owner has forbidden unattended changes by a tag.
func (i Instance) Off() bool { return strings.EqualFold(i.Tags[offTag], "off") }
