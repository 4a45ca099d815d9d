/* A number in 16 bits (IEEE 754: sign, 5 bits of exponent, 10 of fraction) in 32, exactly. Sign and fraction are put in
   place; the exponent is too small by 112 then. Weights are finite. */
static inline float full(weight stored)
{
    union {
        uint32_t bits;
        float value;
    } half;
    half.bits = ((uint32_t)stored << 13) & 0x8fffe000u;
    return half.value * 5.192296858534828e33f;
}
