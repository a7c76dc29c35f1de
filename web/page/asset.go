package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/balagh/balagh/web/assets"
)

// asset is a file that pages load.
type asset struct {
	kind          string
	plain, packed []byte // packed is nil where gzip does not make it smaller
}

// loaded are all assets by name; version is that of all together, and part of their addresses, so that a browser keeps them for good.
var loaded, version = func() (map[string]asset, string) {
	all, sum := map[string]asset{}, sha256.New()
	err := fs.WalkDir(assets.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		b, err := fs.ReadFile(assets.Files, name)
		if err != nil {
			return err
		}
		sum.Write([]byte(name))
		sum.Write(b)
		a := asset{kind: kindOf(name), plain: b}
		if !strings.HasSuffix(name, ".woff2") && !strings.HasSuffix(name, ".png") {
			var packed bytes.Buffer
			w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
			_, _ = w.Write(b)
			_ = w.Close()
			a.packed = packed.Bytes()
		}
		all[strings.TrimPrefix(name, "dist/")] = a
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all, hex.EncodeToString(sum.Sum(nil))[:12]
}()

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return fiber.MIMEApplicationJSON
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return fiber.MIMEOctetStream
}

// AssetPath is the address of an asset.
func AssetPath(name string) string { return "/assets/" + version + "/" + name }

// AssetSize is what a browser loads for some assets, in bytes.
func AssetSize(names ...string) (n int) {
	for _, name := range names {
		a := loaded[name]
		if a.packed != nil {
			n += len(a.packed)
		} else {
			n += len(a.plain)
		}
	}
	return n
}

// Built says whether the assets are in the program: `make assets` makes them, which needs Node.
func Built() bool { return len(loaded["page.js"].plain) > 0 }

func (s *Site) asset(c *fiber.Ctx) error {
	c.Locals(operation, "GET /assets")
	a, ok := loaded[c.Params("+")]
	if !ok {
		return c.SendStatus(http.StatusNotFound)
	}
	c.Set(fiber.HeaderContentType, a.kind)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if c.Params("version") == version {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	} else {
		c.Set(fiber.HeaderCacheControl, "no-cache") // of a program before or after this one
	}
	if a.packed != nil && slices.ContainsFunc(strings.Split(c.Get(fiber.HeaderAcceptEncoding), ","), func(x string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(x), ";")
		return name == "gzip"
	}) {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(a.packed)
	}
	return c.Send(a.plain)
}
