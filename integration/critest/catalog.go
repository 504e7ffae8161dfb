package main

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ownTools are applets for which the images have a program of ours: Debian builds busybox without
// them.
var ownTools = []string{"ipcs", "pgrep"}

// fill puts every image into s that critest pulls by a tag. (test-image-digest it pulls by a digest,
// which nothing but the original has.)
func fill(ctx context.Context, s *store, busybox, guest string) error {
	base, err := baseLayer(ctx, busybox, guest)
	if err != nil {
		return err
	}
	web, err := webLayer(guest)
	if err != nil {
		return err
	}
	shell := ocispec.ImageConfig{Env: []string{searchPath}, Cmd: []string{"sh"}}
	program := func(name string) ocispec.ImageConfig {
		return ocispec.ImageConfig{Env: shell.Env, Entrypoint: []string{name}}
	}
	user := func(name string) ocispec.ImageConfig {
		return ocispec.ImageConfig{Env: shell.Env, Cmd: shell.Cmd, User: name}
	}
	images := map[string]ocispec.ImageConfig{
		"busybox":                         shell,
		"pause":                           shell,
		"nginx":                           program("/usr/sbin/nginx"),
		"httpd":                           program("/usr/local/bin/httpd"),
		"hostnet-nginx-" + runtime.GOARCH: program("/usr/sbin/hostnet-nginx"),
		"nonewprivs":                      program("/nonewprivs"),
		"test-image-1":                    shell,
		"test-image-2":                    shell,
		"test-image-3":                    shell,
		"test-image-latest":               shell,
		"test-image-tag":                  shell,
		"test-image-tags":                 shell,
		"test-image-predefined-group":     user("1000"),
		"test-image-user-uid":             user("1002"),
		"test-image-user-uid-group":       user("1003:users"),
		"test-image-user-username":        user("www-data"),
		"test-image-user-username-group":  user("www-data:100"),
	}
	baseBlob := s.put(ocispec.MediaTypeImageLayer, base)
	webBlob := s.put(ocispec.MediaTypeImageLayer, web)
	for repository, config := range images {
		if err := s.tag(repository, config, baseBlob, webBlob); err != nil {
			return err
		}
	}
	return nil
}

// baseLayer is a root file system around busybox, with the users and groups the tests name.
func baseLayer(ctx context.Context, busybox, guest string) ([]byte, error) {
	names, err := applets(ctx, busybox)
	if err != nil {
		return nil, err
	}
	shared, err := libraries(ctx, busybox)
	if err != nil {
		return nil, err
	}
	l := newLayer()
	for _, dir := range []string{"/bin", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/usr",
		"/usr/bin", "/usr/local", "/usr/local/bin", "/usr/sbin", "/var", "/var/run"} {
		l.dir(dir, 0o755)
	}
	l.dir("/tmp", 0o1777)
	addLibraries(l, shared)
	l.copy("/bin/busybox", 0o755, busybox)
	for _, name := range names {
		if name != "busybox" && !slices.Contains(ownTools, name) {
			l.link("/bin/"+name, "/bin/busybox", 0o755)
		}
	}
	l.copy("/bin/"+ownTools[0], 0o755, guest)
	for _, name := range ownTools[1:] {
		l.link("/bin/"+name, "/bin/"+ownTools[0], 0o755)
	}
	l.file("/etc/passwd", 0o644, []byte(passwd))
	l.file("/etc/group", 0o644, []byte(group))
	return l.finish()
}

// addLibraries copies shared libraries to the paths they have here, where the loader looks.
func addLibraries(l *layer, files []string) {
	var made []string
	for _, file := range files {
		for _, dir := range parents(file) {
			if !slices.Contains(made, dir) {
				l.dir(dir, 0o755)
				made = append(made, dir)
			}
		}
		l.copy(file, 0o755, file)
	}
}

// parents lists the directories above file, outermost first, the root left out.
func parents(file string) []string {
	var dirs []string
	for dir := path.Dir(file); dir != "/"; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}

// webLayer has the programs that stand in for nginx, Apache and the set-uid test.
func webLayer(guest string) ([]byte, error) {
	l := newLayer()
	l.copy("/usr/sbin/nginx", 0o755, guest)
	l.link("/usr/sbin/hostnet-nginx", "/usr/sbin/nginx", 0o755)
	l.link("/usr/local/bin/httpd", "/usr/sbin/nginx", 0o755)
	l.copy("/nonewprivs", 0o4755, guest)
	return l.finish()
}

const passwd = `root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/bin/false
default-user:x:1000:1000::/home:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
`

const group = `root:x:0:
www-data:x:33:
users:x:100:
default-user:x:1000:
group-defined-in-image:x:50000:default-user
nogroup:x:65534:
`

// buildGuest builds the program of the images, static, into dir. It must run inside the module.
func buildGuest(ctx context.Context, dir string) (string, error) {
	guest := filepath.Join(dir, "guest")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", guest, "bookend.dev/bookend/integration/critest/guest")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build guest: %w: %s", err, out)
	}
	return guest, nil
}
