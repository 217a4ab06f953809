// Idiomatic is the poller a Go programmer writes with the standard library and Elastic's client, and
// then tunes: filtered bulk replies, pooled buffers, connections kept.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"taglake/benchmarks/bench"
	"taglake/benchmarks/records"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

const flushBytes = 1 << 20

type client struct {
	http     *http.Client
	network  string
	observer *records.Observer
	bulk     esutil.BulkIndexer
	buffers  sync.Pool
	zips     sync.Pool
}

func main() {
	options := bench.Parse()
	bench.Run(newClient(options), options, false)
}

func newClient(o bench.Options) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = 64, 64
	transport.DisableCompression = true // we unpack with a pooled reader
	lake, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{o.Lake}})
	bench.Check(err)
	bulk, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: lake, NumWorkers: 2, FlushBytes: flushBytes, FlushInterval: 200 * time.Millisecond,
		FilterPath: []string{"errors", "items.*.error"},
		OnError:    func(_ context.Context, err error) { log.Fatal(err) },
	})
	bench.Check(err)
	return &client{
		http: &http.Client{Transport: transport, Timeout: 30 * time.Second}, network: o.Network, bulk: bulk,
		observer: records.NewObserver("instagram@127.0.0.1", fmt.Sprintf("go-%d", os.Getpid()), json.Unmarshal),
		buffers:  sync.Pool{New: func() any { return new(bytes.Buffer) }},
		zips:     sync.Pool{New: func() any { return new(gzip.Reader) }},
	}
}

func (c *client) Poll(number int) error {
	name := bench.Target(number)
	now := time.Now()
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer c.buffers.Put(buffer)
	buffer.Reset()
	if err := c.fetch(c.network+"/explore/tags/"+name+"/?__a=1&__d=dis", buffer); err != nil {
		return err
	}
	_, err := c.observer.Observe("instagram/tag/"+name, buffer.Bytes(), now, c.emit)
	return err
}

func (c *client) fetch(url string, into *bytes.Buffer) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("X-Ig-App-Id", "936619743392459")
	request.Header.Set("X-Requested-With", "XMLHttpRequest")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	if response.Header.Get("Content-Encoding") != "gzip" {
		_, err = into.ReadFrom(response.Body)
		return err
	}
	unzip := c.zips.Get().(*gzip.Reader)
	defer c.zips.Put(unzip)
	if err := unzip.Reset(response.Body); err != nil {
		return err
	}
	if _, err := into.ReadFrom(unzip); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body) // to the end, so that the connection is kept
	return err
}

func (c *client) emit(document records.Document) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document.Body); err != nil {
		return err
	}
	body := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	return c.bulk.Add(context.Background(), esutil.BulkIndexerItem{
		Index: document.Index, Action: "index", DocumentID: document.ID,
		Version: &document.Version, VersionType: "external_gte", Body: bytes.NewReader(body),
		OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, item esutil.BulkIndexerResponseItem, err error) {
			log.Fatalf("not indexed: %d %v", item.Status, err)
		},
	})
}

func (c *client) Flush() error { return c.bulk.Flush(context.Background()) }
