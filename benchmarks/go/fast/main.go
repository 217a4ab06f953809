// Fast is the poller of a Go programmer who spends as little as he can: fasthttp, sonic, and one bulk
// buffer that all connections share.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"taglake/benchmarks/bench"
	"taglake/benchmarks/records"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/encoder"
	"github.com/valyala/fasthttp"
)

const flushBytes = 1 << 20

type client struct {
	http     *fasthttp.Client
	network  string
	lake     string
	observer *records.Observer
	mu       sync.Mutex
	buffer   []byte
	spare    chan []byte
	sending  sync.RWMutex // held for reading by each request on its way
}

func main() {
	options := bench.Parse()
	bench.Run(newClient(options), options, true)
}

func newClient(o bench.Options) *client {
	decoder := sonic.Config{CopyString: false, NoValidateJSONMarshaler: true}.Froze()
	c := &client{
		http:    &fasthttp.Client{MaxConnsPerHost: 64, ReadTimeout: 30 * time.Second, NoDefaultUserAgentHeader: true},
		network: o.Network, lake: o.Lake + "/_bulk?filter_path=errors,items.*.status,items.*.error.type",
		observer: records.NewObserver("instagram@127.0.0.1", fmt.Sprintf("go-%d", os.Getpid()), decoder.Unmarshal),
		buffer:   make([]byte, 0, flushBytes+flushBytes/8), spare: make(chan []byte, 2),
	}
	c.spare <- make([]byte, 0, flushBytes+flushBytes/8)
	go c.tick()
	return c
}

// tick sends what has waited for 200 ms.
func (c *client) tick() {
	for range time.Tick(200 * time.Millisecond) {
		bench.Check(c.send(1))
	}
}

func (c *client) Poll(number int) error {
	name := bench.Target(number)
	now := time.Now()
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI(c.network + "/explore/tags/" + name + "/?__a=1&__d=dis")
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("X-Ig-App-Id", "936619743392459")
	request.Header.Set("X-Requested-With", "XMLHttpRequest")
	if err := c.http.Do(request, response); err != nil {
		return err
	}
	if response.StatusCode() != fasthttp.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode())
	}
	body, err := response.BodyUncompressed()
	if err != nil {
		return err
	}
	if _, err = c.observer.Observe("instagram/tag/"+name, body, now, c.emit); err != nil {
		return err
	}
	return c.send(flushBytes)
}

func (c *client) emit(document records.Document) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	buffer := append(c.buffer, `{"index":{"_index":"`...)
	buffer = append(buffer, document.Index...)
	buffer = append(buffer, `","_id":"`...)
	buffer = append(buffer, document.ID...)
	buffer = append(buffer, `","version":`...)
	buffer = strconv.AppendInt(buffer, document.Version, 10)
	buffer = append(buffer, `,"version_type":"external_gte"}}`+"\n"...)
	if err := encoder.EncodeInto(&buffer, document.Body, encoder.NoValidateJSONMarshaler); err != nil {
		return err
	}
	c.buffer = append(buffer, '\n')
	return nil
}

func (c *client) Flush() error {
	if err := c.send(1); err != nil {
		return err
	}
	c.sending.Lock() // when the last request has been answered
	c.sending.Unlock()
	return nil
}

// send posts the shared buffer if it has grown to so many bytes.
func (c *client) send(least int) error {
	c.mu.Lock()
	if len(c.buffer) < least {
		c.mu.Unlock()
		return nil
	}
	c.sending.RLock()
	defer c.sending.RUnlock()
	full := c.buffer
	select {
	case c.buffer = <-c.spare:
	default:
		c.buffer = make([]byte, 0, flushBytes+flushBytes/8)
	}
	c.mu.Unlock()
	err := c.post(full)
	select {
	case c.spare <- full[:0]:
	default:
	}
	return err
}

func (c *client) post(body []byte) error {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI(c.lake)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/x-ndjson")
	request.SetBodyRaw(body)
	if err := c.http.Do(request, response); err != nil {
		return err
	}
	if response.StatusCode() != fasthttp.StatusOK || !bytes.HasPrefix(response.Body(), []byte(`{"errors":false`)) {
		return fmt.Errorf("bulk request: status %d, %.200s", response.StatusCode(), response.Body())
	}
	return nil
}
