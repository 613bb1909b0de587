// The type of flags that take a size, such as 512MiB.

package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// size is the value of a flag: a number of bytes, given with or without a unit.
type size int64

func (s *size) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return fmt.Errorf("give a number of bytes, or one with a unit, such as 512MiB")
	}
	*s = size(n)
	return nil
}

func (s *size) Type() string { return "SIZE" }

func (s *size) String() string { return humanize.IBytes(uint64(max(*s, 0))) }
