// UTF-8 by 256-bit vectors: 32 bytes at a time, whatever they are.
//
// Every error of UTF-8 shows in two bytes that follow each other, but for a third
// or fourth byte that is missing. So each pair is looked up by its three relevant
// half bytes, in tables whose bits are the errors that the half byte leaves
// possible: what all three leave is an error. The method is that of J. Keiser and
// D. Lemire, "Validating UTF-8 in less than one instruction per byte" (2020).

#include "textflag.h"

// The errors, one bit each:
// 01 lead without enough behind it    02 continuation behind ASCII
// 04 three bytes for what fits in two 08 beyond U+10FFFF
// 10 surrogate                        20 two bytes for ASCII
// 40 four bytes for what fits in three, or far beyond U+10FFFF
// 80 two continuations, which are right behind a lead of three or four only

// By the high half of the first byte.
DATA firstHigh<>+0(SB)/8, $0x0202020202020202
DATA firstHigh<>+8(SB)/8, $0x4915012180808080
DATA firstHigh<>+16(SB)/8, $0x0202020202020202
DATA firstHigh<>+24(SB)/8, $0x4915012180808080
GLOBL firstHigh<>(SB), RODATA|NOPTR, $32

// By the low half of the first byte.
DATA firstLow<>+0(SB)/8, $0xCBCBCB8B8383A3E7
DATA firstLow<>+8(SB)/8, $0xCBCBDBCBCBCBCBCB
DATA firstLow<>+16(SB)/8, $0xCBCBCB8B8383A3E7
DATA firstLow<>+24(SB)/8, $0xCBCBDBCBCBCBCBCB
GLOBL firstLow<>(SB), RODATA|NOPTR, $32

// By the high half of the second byte.
DATA secondHigh<>+0(SB)/8, $0x0101010101010101
DATA secondHigh<>+8(SB)/8, $0x01010101BABAAEE6
DATA secondHigh<>+16(SB)/8, $0x0101010101010101
DATA secondHigh<>+24(SB)/8, $0x01010101BABAAEE6
GLOBL secondHigh<>(SB), RODATA|NOPTR, $32

DATA halfByte<>+0(SB)/4, $0x0F0F0F0F
GLOBL halfByte<>(SB), RODATA|NOPTR, $4

// What is 80 or more after this is subtracted leads three bytes, or four.
DATA leadsThree<>+0(SB)/4, $0x60606060
GLOBL leadsThree<>(SB), RODATA|NOPTR, $4

DATA leadsFour<>+0(SB)/4, $0x70707070
GLOBL leadsFour<>(SB), RODATA|NOPTR, $4

DATA highBits<>+0(SB)/4, $0x80808080
GLOBL highBits<>(SB), RODATA|NOPTR, $4

// func validVectors(p *byte, blocks int) bool
TEXT ·validVectors(SB), NOSPLIT, $0-17
	MOVQ p+0(FP), SI
	MOVQ blocks+8(FP), CX
	VMOVDQU firstHigh<>(SB), Y8
	VMOVDQU firstLow<>(SB), Y9
	VMOVDQU secondHigh<>(SB), Y10
	VPBROADCASTD halfByte<>(SB), Y11
	VPBROADCASTD leadsThree<>(SB), Y12
	VPBROADCASTD leadsFour<>(SB), Y13
	VPBROADCASTD highBits<>(SB), Y14
	VPXOR Y7, Y7, Y7 // the block before
	VPXOR Y6, Y6, Y6 // errors

next:
	VMOVDQU (SI), Y0
	VPERM2I128 $0x21, Y0, Y7, Y1 // the end of the block before, and the beginning of this
	VPALIGNR $15, Y1, Y0, Y2     // the byte before each
	VPALIGNR $14, Y1, Y0, Y3     // two before
	VPALIGNR $13, Y1, Y0, Y4     // three before

	VPSRLW $4, Y2, Y5
	VPAND Y11, Y5, Y5
	VPSHUFB Y5, Y8, Y5
	VPAND Y11, Y2, Y2
	VPSHUFB Y2, Y9, Y2
	VPAND Y2, Y5, Y5
	VPSRLW $4, Y0, Y2
	VPAND Y11, Y2, Y2
	VPSHUFB Y2, Y10, Y2
	VPAND Y2, Y5, Y5

	// Two continuations are right where the second is a third or fourth byte.
	VPSUBUSB Y12, Y3, Y3
	VPSUBUSB Y13, Y4, Y4
	VPOR Y3, Y4, Y3
	VPAND Y14, Y3, Y3
	VPXOR Y3, Y5, Y5
	VPOR Y5, Y6, Y6

	VMOVDQA Y0, Y7
	ADDQ $32, SI
	DECQ CX
	JNZ next

	VPTEST Y6, Y6
	SETEQ ret+16(FP)
	VZEROUPPER
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() (low uint32)
TEXT ·xgetbv(SB), NOSPLIT, $0-4
	XORL CX, CX
	XGETBV
	MOVL AX, low+0(FP)
	RET
