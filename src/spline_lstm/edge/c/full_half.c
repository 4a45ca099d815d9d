/* A number in 16 bits (IEEE 754: sign, 5 bits of exponent, 10 of fraction) in 32, exactly. Its exponent is too small by
   112 at first. Weights are finite. */
static inline float full(weight stored)
{
    union {
        uint32_t bits;
        float value;
    } half;
    half.bits = (uint32_t)(stored & 0x7fff) << 13;
    half.value *= 5.192296858534828e33f;
    half.bits |= (uint32_t)(stored & 0x8000) << 16;
    return half.value;
}
