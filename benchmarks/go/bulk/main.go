// Bulk sends documents to Elasticsearch with esutil.BulkIndexer as Elastic's examples do, filtered
// replies included. The documents are serialised already, as those of our sender are: what is
// compared is the sending. Prints CPU and wall time from the first Add to the end of Close.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

type document struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version"`
	VersionType string `json:"version_type"`
	source      []byte
}

func main() {
	url, file := os.Args[1], os.Args[2]
	documents := read(file)
	client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}})
	check(err)
	var failed atomic.Int64
	cpu, started := processTime(), time.Now()
	indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: client, NumWorkers: 4, FlushBytes: 1 << 20,
		FilterPath: []string{"errors", "items.*.error"},
		OnError:    func(_ context.Context, err error) { log.Fatal(err) },
	})
	check(err)
	for i := range documents {
		one := &documents[i]
		check(indexer.Add(context.Background(), esutil.BulkIndexerItem{
			Index: one.Index, Action: "index", DocumentID: one.ID, Version: &one.Version,
			VersionType: one.VersionType, Body: bytes.NewReader(one.source),
			OnFailure: func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem, error) {
				failed.Add(1)
			},
		}))
	}
	check(indexer.Close(context.Background()))
	stored := int64(indexer.Stats().NumAdded) - failed.Load()
	fmt.Printf(`{"cpu":%f,"wall":%f,"stored":%d}`+"\n",
		(processTime() - cpu).Seconds(), time.Since(started).Seconds(), stored)
}

func read(file string) []document {
	whole, err := os.ReadFile(file)
	check(err)
	rows := bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n"))
	documents := make([]document, len(rows)/2)
	for i := range documents {
		var action struct{ Index *document }
		action.Index = &documents[i]
		check(json.Unmarshal(rows[2*i], &action))
		documents[i].source = rows[2*i+1]
	}
	return documents
}

func processTime() time.Duration {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
