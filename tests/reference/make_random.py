#!/usr/bin/env python3
"""Prints the numbers that check_random.c compares with, from Python's integers and the papers alone.

SplitMix64 (Steele, Lea, Flood 2014), Lemire's bounded numbers (2019) and Durstenfeld's shuffle (1964); what a seed and a
stream begin with is our own definition.
"""
WORD = 1 << 64
GAMMA = 0x9E3779B97F4A7C15


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
    return z ^ z >> 31


def unshift(z, bits):
    """The x of which z is x ^ x >> bits."""
    x = z
    while x ^ x >> bits != z:
        x = z ^ x >> bits
    return x


def unmix(z):
    z = unshift(z, 31) * pow(0x94D049BB133111EB, -1, WORD) % WORD
    z = unshift(z, 27) * pow(0xBF58476D1CE4E5B9, -1, WORD) % WORD
    return unshift(z, 30)


def draws(seed, stream):
    state = mix(seed) ^ mix((stream * GAMMA + 1) % WORD)
    while True:
        state = (state + GAMMA) % WORD
        yield mix(state)


def below(numbers, limit):
    for number in numbers:
        if number * limit % WORD >= WORD % limit:
            return number * limit // WORD


def shuffled(numbers, n):
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(numbers, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def show(name, values):
    print(name + ":", ", ".join(f"UINT64_C ({value})" for value in values))


def main():
    for seed, stream in ((0, 0), (42, 1), (WORD - 1, WORD - 1)):
        numbers = draws(seed, stream)
        show(f"seed {seed}, stream {stream}", [next(numbers) for _ in range(4)])
    for limit in (1, 10, 3 << 62, WORD - 1):
        numbers = draws(42, 5)
        show(f"below {limit}", [below(numbers, limit) for _ in range(6)])
    print("shuffled:", shuffled(draws(42, 6), 12))
    print("state before all ones:", (unmix(WORD - 1) - GAMMA) % WORD)


if __name__ == "__main__":
    main()
