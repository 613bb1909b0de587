// Masking by 256-bit vectors: 128 bytes at a time.

#include "textflag.h"

// func maskVectors(p *byte, blocks int, key uint64)
TEXT ·maskVectors(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ blocks+8(FP), CX
	VPBROADCASTQ key+16(FP), Y0

block:
	VPXOR (SI), Y0, Y1
	VPXOR 32(SI), Y0, Y2
	VPXOR 64(SI), Y0, Y3
	VPXOR 96(SI), Y0, Y4
	VMOVDQU Y1, (SI)
	VMOVDQU Y2, 32(SI)
	VMOVDQU Y3, 64(SI)
	VMOVDQU Y4, 96(SI)
	ADDQ $128, SI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET
