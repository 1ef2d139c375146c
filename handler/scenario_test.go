package handler_test

import (
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

const day = 24 * time.Hour

var start = handlertest.Start

func expiring(d time.Duration) handler.Observation { return handlertest.Expiring(d) }
