// Server is the canned network of the benchmarks and the lake they deliver to. It serves tag pages of
// Instagram's web JSON as it was from 2018 to 2021, over HTTPS with gzip and over plain HTTP, and
// takes bulk requests, which it counts and forgets.
//
// It prints one line of JSON with its addresses, and ends when its standard input does.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

type server struct {
	pages *pages
	sink  *sink
	mu    sync.Mutex
	tags  int   // the pages' tags; a target's number modulo this is its tag
	asked []int // windows served, by tag
	first int   // how many of them were a tag's first one
}

func main() {
	certificate := flag.String("certificate", "", "where to write the certificate to trust")
	flag.Parse()
	s := &server{pages: newPages(time.Now()), sink: &sink{}}
	s.reset(1, 0)
	pair, err := selfSigned(*certificate)
	check(err)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	check(err)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go serve(secure, func(c *fasthttp.RequestCtx) { s.handle(c, true) })
	go serve(plain, func(c *fasthttp.RequestCtx) { s.handle(c, false) })
	fmt.Printf("{\"https\":\"https://%s\",\"http\":\"http://%s\"}\n", secure.Addr(), plain.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func serve(on net.Listener, handle fasthttp.RequestHandler) {
	server := &fasthttp.Server{Handler: handle, MaxRequestBodySize: 64 << 20, ReadBufferSize: 64 << 10}
	check(server.Serve(on))
}

func (s *server) handle(c *fasthttp.RequestCtx, zipped bool) {
	path := string(c.Path())
	switch {
	case strings.HasPrefix(path, "/explore/tags/"):
		s.page(c, strings.Trim(path[len("/explore/tags/"):], "/"), zipped)
	case path == "/_bulk":
		s.bulk(c)
	case path == "/_start":
		s.start(c)
	case path == "/_totals":
		totals := s.sink.totals()
		totals.Polls = s.polls()
		reply(c, totals)
	case path == "/_kept":
		c.SetBody(append(joined(s.sink.kept), '\n'))
	default: // what a client asks a lake before it writes
		c.Response.Header.Set("X-Elastic-Product", "Elasticsearch")
		c.Response.Header.Set("Content-Type", "application/json")
		c.SetBodyString(`{"acknowledged":true,"version":{"number":"8.19.7"}}`)
	}
}

// start begins a run: all tags are at their first window again, and so many are written ahead.
func (s *server) start(c *fasthttp.RequestCtx) {
	args := c.QueryArgs()
	tags, windows := args.GetUintOrZero("tags"), args.GetUintOrZero("windows")
	s.pages.prepare(tags, windows, !args.Has("plain"))
	s.reset(max(1, tags), args.GetUintOrZero("keep"))
}

func (s *server) reset(tags, keep int) {
	s.mu.Lock()
	s.tags, s.asked, s.first = tags, make([]int, tags), 0
	s.mu.Unlock()
	s.sink.reset(keep)
}

func (s *server) polls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, asked := range s.asked {
		total += asked
	}
	return map[string]int{"all": total, "first": s.first}
}

// page serves the next window of a tag. Its name ends in its number.
func (s *server) page(c *fasthttp.RequestCtx, name string, zipped bool) {
	number, err := strconv.Atoi(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz"))
	if err != nil {
		c.Error("no such tag", fasthttp.StatusNotFound)
		return
	}
	s.mu.Lock()
	tag := number % s.tags
	window := s.asked[tag]
	s.asked[tag]++
	if window == 0 {
		s.first++
	}
	s.mu.Unlock()
	c.Response.Header.Set("Content-Type", "application/json; charset=utf-8")
	if zipped {
		c.Response.Header.Set("Content-Encoding", "gzip")
	}
	c.Response.SetBodyRaw(s.pages.get(tag, window, zipped))
}

func (s *server) bulk(c *fasthttp.RequestCtx) {
	body := c.PostBody()
	if string(c.Request.Header.ContentEncoding()) == "gzip" {
		body, _ = c.Request.BodyGunzip()
	}
	count, err := s.sink.take(body)
	if err != nil {
		c.Error(err.Error(), fasthttp.StatusBadRequest)
		return
	}
	c.Response.Header.Set("X-Elastic-Product", "Elasticsearch")
	c.Response.Header.Set("Content-Type", "application/json")
	c.SetBody(answer(count, string(c.QueryArgs().Peek("filter_path"))))
}

func reply(c *fasthttp.RequestCtx, value any) {
	body, err := json.Marshal(value)
	check(err)
	c.SetBody(body)
}

func joined(lines [][]byte) []byte {
	var all []byte
	for i, line := range lines {
		if i > 0 {
			all = append(all, '\n')
		}
		all = append(all, line...)
	}
	return all
}

// selfSigned makes a certificate for this machine and writes it to a file that clients trust.
func selfSigned(path string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if path != "" {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
