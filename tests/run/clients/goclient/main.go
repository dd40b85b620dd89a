// SPDX-License-Identifier: MIT

// goclient: a program without libc, whose threads come and go
//
// Goroutines on many threads map and unmap in one context, through raw system
// calls; each checks its results. The runtime's own signals (preemption) arrive
// meanwhile. Exit status 0, or 1 and what does not hold.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const (
	ioasAlloc  = 0x3b81
	ioasMap    = 0x3b85
	ioasUnmap  = 0x3b86
	fixed      = 1
	writeable  = 2
	readable   = 4
	iova       = 0x2000000
	routines   = 8
	rounds     = 60
	page       = 4096
	pagesEach  = 4
	spaceEach  = 64 * page
	unmapTotal = pagesEach * page
)

type allocRequest struct {
	size, flags, id uint32
}

type mapRequest struct {
	size, flags, ioas, reserved uint32
	va, length, iova            uint64
}

type unmapRequest struct {
	size, ioas   uint32
	iova, length uint64
}

func must(what string, errno syscall.Errno, want syscall.Errno) {
	if errno != want {
		fmt.Fprintf(os.Stderr, "%s: %v, want %v\n", what, errno, want)
		os.Exit(1)
	}
}

func ioctl(fd int, cmd uintptr, arg unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), cmd,
		uintptr(arg))
	return errno
}

func pairs(fd int, ioas uint32, nr uint64) {
	memory, err := syscall.Mmap(-1, 0, pagesEach*page,
		syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		must("mmap", err.(syscall.Errno), 0)
	}
	at := iova + nr*spaceEach
	for i := 0; i < rounds; i++ {
		m := mapRequest{size: 40, flags: fixed | readable | writeable,
			ioas: ioas, length: unmapTotal, iova: at,
			va: uint64(uintptr(unsafe.Pointer(&memory[0])))}
		must("map", ioctl(fd, ioasMap, unsafe.Pointer(&m)), 0)
		must("map again", ioctl(fd, ioasMap, unsafe.Pointer(&m)),
			syscall.EEXIST)
		u := unmapRequest{size: 24, ioas: ioas, iova: at,
			length: unmapTotal}
		must("unmap", ioctl(fd, ioasUnmap, unsafe.Pointer(&u)), 0)
		if u.length != unmapTotal {
			fmt.Fprintln(os.Stderr, "unmapped", u.length)
			os.Exit(1)
		}
		runtime.Gosched()
	}
}

func main() {
	file, err := os.OpenFile("/dev/iommu", os.O_RDWR, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fd := int(file.Fd())
	a := allocRequest{size: 12}
	must("alloc", ioctl(fd, ioasAlloc, unsafe.Pointer(&a)), 0)
	var all sync.WaitGroup
	for i := uint64(0); i < routines; i++ {
		all.Add(1)
		go func(nr uint64) {
			runtime.LockOSThread()
			pairs(fd, a.id, nr)
			all.Done()
		}(i)
	}
	all.Wait()
	file.Close()
	fmt.Println("ok goclient")
}
