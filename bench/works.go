package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"sort"
	"strconv"
	"sync"
)

// work is one thing that phones do, and how Balagh should stand beside the bare handler.
type work struct {
	name, title string
	bare        []string // modes of the bare handler; the first is the one that counts
	target      float64  // share of the bare handler's rate
	request     func(token string) *request
}

// slower is how many times the bare handler's p99 Balagh's may be.
const slower = 3

// works are measured in this order: what reads goes first, while only the loaded reports are there.
var works = []work{
	{"list", "my newest 20", []string{"nosync"}, .5, listRequest},
	{"nearby", "open within 500 m", []string{"nosync"}, .4, nearbyRequest},
	{"file", "file a report, JSON", []string{"nosync"}, .5, fileRequest},
	{"form", "file a report, form", []string{"nosync"}, .5, func(token string) *request { return formRequest(token, nil) }},
	{"photo", "file with a 160 KB photo", []string{"sync", "nosync"}, .7, func(token string) *request { return formRequest(token, photograph()) }},
}

func names() []string {
	var all []string
	for _, w := range works {
		all = append(all, w.name)
	}
	for _, w := range chainWorks {
		all = append(all, w.name)
	}
	return all
}

func workNamed(name string) (work, bool) {
	for _, w := range works {
		if w.name == name {
			return w, true
		}
	}
	return work{}, false
}

// Places in a request that are filled anew each time. Each is as long as what replaces it, so nothing else moves.
const (
	keyPlace       = "@key-@key-@key-@key-@key-@key-@k" // Idempotency-Key, 32 hexadecimal digits
	latitudePlace  = "90.000001"
	longitudePlace = "90.000002"
	photoPlace     = "@photo-number-@p" // makes each photo another file
)

// request is the bytes of one request on the wire.
type request struct {
	raw                                  []byte
	body                                 int    // where it begins in raw
	key, latitude, longitude, photograph []byte // within raw; nil when the request has none
	random                               *rand.Rand
}

func newRequest(raw []byte) *request {
	place := func(p string) []byte {
		if i := bytes.Index(raw, []byte(p)); i >= 0 {
			return raw[i : i+len(p)]
		}
		return nil
	}
	return &request{raw: raw, body: bytes.Index(raw, []byte("\r\n\r\n")) + 4, key: place(keyPlace), latitude: place(latitudePlace), longitude: place(longitudePlace),
		photograph: place(photoPlace), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

// fill makes the request one that was never sent: another key, another photo, somewhere in Riyadh.
func (r *request) fill() {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], r.random.Uint64())
	binary.LittleEndian.PutUint64(b[8:], r.random.Uint64())
	if r.key != nil {
		hex.Encode(r.key, b[:])
	}
	if r.photograph != nil {
		hex.Encode(r.photograph, b[:8])
	}
	if r.latitude != nil { // 40 by 40 kilometres
		strconv.AppendFloat(r.latitude[:0], 24.5+r.random.Float64()*.4, 'f', 6, 64)
		strconv.AppendFloat(r.longitude[:0], 46.5+r.random.Float64()*.4, 'f', 6, 64)
	}
}

const description = "مكبرات الصوت الخارجية في المسجد لا تعمل منذ أسبوع، وقد أبلغنا الإمام ولم تتم الصيانة حتى الآن. نأمل إرسال فريق " +
	"الصيانة في أقرب وقت ممكن، مع العلم أن الموقع المرفق دقيق والصورة تبين العطل بوضوح."

// newReport is the JSON of a report, as the app sends it.
func newReport() []byte {
	d, err := json.Marshal(description)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"category":%q,"description":%s,"place":{"latitude":%s,"longitude":%s,"accuracy_m":12.5,"source":"gps"},`+
		`"language":"ar"}`, category, d, latitudePlace, longitudePlace)
}

func head(method, path, token string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: balagh.example\r\nUser-Agent: Balagh/1.0 (Android 15)\r\n" +
		"Accept: application/json\r\nAccept-Language: ar\r\nX-App-Version: 1.0.0\r\nAuthorization: Bearer " + token + "\r\n"
}

func post(path, token, contentType string, body []byte) *request {
	h := head("POST", path, token) + "Idempotency-Key: " + keyPlace + "\r\nContent-Type: " + contentType +
		"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return newRequest(append([]byte(h), body...))
}

func get(path, token string) *request { return newRequest([]byte(head("GET", path, token) + "\r\n")) }

func fileRequest(token string) *request {
	return post("/v1/reports", token, "application/json", newReport())
}

// formRequest is a report in one multipart request, with or without a photo.
func formRequest(token string, photo []byte) *request {
	const boundary = "balagh-bench-7d1f0c5a"
	var b bytes.Buffer
	part := func(disposition, contentType string, content []byte) {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; %s\r\n", boundary, disposition)
		fmt.Fprintf(&b, "Content-Type: %s\r\n\r\n%s\r\n", contentType, content)
	}
	part(`name="report"`, "application/json", newReport())
	if photo != nil {
		part(`name="photo"; filename="IMG_0001.jpg"`, "image/jpeg", photo)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return post("/v1/reports", token, "multipart/form-data; boundary="+boundary, b.Bytes())
}

func listRequest(token string) *request { return get("/v1/reports?limit=20", token) }

func nearbyRequest(token string) *request {
	return get("/v1/reports/nearby?latitude="+latitudePlace+"&longitude="+longitudePlace+"&radius_m=500&category="+category, token)
}

// photograph is a JPEG of about 160 KB: soft shapes with the grain of a phone's camera, and a comment to be filled.
var photograph = sync.OnceValue(func() []byte {
	random := rand.New(rand.NewPCG(1, 2))
	m := image.NewYCbCr(image.Rect(0, 0, 1280, 960), image.YCbCrSubsampleRatio420)
	for y := range 960 {
		for x := range 1280 {
			m.Y[m.YOffset(x, y)] = uint8(60 + x*y/12000 + random.IntN(12))
			c := m.COffset(x, y)
			m.Cb[c], m.Cr[c] = uint8(100+x/40), uint8(150-y/40)
		}
	}
	encoded := func(quality int) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	best := encoded(sort.Search(100, func(q int) bool { return len(encoded(q)) >= 160_000 }))
	comment := binary.BigEndian.AppendUint16([]byte{0xff, 0xfe}, uint16(2+len(photoPlace)))
	comment = append(comment, photoPlace...)
	return append(append(append([]byte{}, best[:2]...), comment...), best[2:]...)
})
