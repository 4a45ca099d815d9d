static inline float full(weight stored)
{
    return (float)stored;
}
