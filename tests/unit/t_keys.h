/*
 * Keys for the tests of JWTs.  Made with openssl genpkey for this file; used
 * nowhere else.
 */
#ifndef T_KEYS_H
#define T_KEYS_H

#define RSA_PRIVATE \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQClEZv34fQT/GYl\n" \
    "D8sFkYdwbNtud1MrzC8QYrA81MCq/14JGJIHXNOjqjYgsiWt/7NcC8VxRFVWwDhp\n" \
    "NlFvkNa0dS2Q9Cq0RYPyjcZMxxvOTiDUYo7kzzgWr8l88O/wcdbvaRMXcF+dQwtM\n" \
    "9Ts+aL2Egv/cRbaR+/EM8gMjZTU9w9AyqIZI3zG/MbmtQmEv6DItwX53m21z9GpA\n" \
    "JJVB9VxDnwC614XjH93GYAaGQKvreEZgIMnbeTNSJ1X7mE3Q0K3aA5C6FjdM/SLo\n" \
    "+jXeQpJ8qyyrHKhmohcKwmwzc+Nq/7tx2kcwgmbZJ42rmq8/xEN4Y+OmRu2k4o7B\n" \
    "16xNs0JzAgMBAAECggEABsEBMjPHElhF76dFRc2ODp4Nnmf4ebbJiDCZiGumFHkN\n" \
    "Zm7gbrewGya4Pz86xnNLae07X2aN3VZRGJD15Qw2lLykqCUtaCHeA7skTXjqHNda\n" \
    "hYYg1aDa6Sa5JkkPcDWgNzyD4PYim2MmX7g6+9M6SeU4RdF+Zlu6Ia73TOfztTqw\n" \
    "fz7BSGrhYRJ04mHwBU1jVPE/N11qtxhZfEyACntwGA9v7SOoAOX+NbppKBVS6VAy\n" \
    "vmmi6KIWDS2R1Ivm8SY0de82LCHfkqzwydscsxQ1kMBQLUYy1efdfywy0KYu/hUx\n" \
    "i6JHc89oLPNiVzTIxbS+JDOSR24tDk23kfb9CEL8zQKBgQDXm40jPGqrNxnag3Wj\n" \
    "Iqy+iZJyv2HNc7Bd2lXlvAIwy68PHvBYwj1KeCh41ct6CB+fvv7ifHVYf1K3O3XV\n" \
    "5vw5pTQUfcPyH1wJMKmKBrhfgiE1n+gfgAH2WniB6pqU2BO7U5Kjb5ozRAHE4NGh\n" \
    "Z3z6ORuGbLRKGwIPmhIyOmv83QKBgQDD/jyz8S7me4HMd3sT82ql+DyWVHKEUFur\n" \
    "Vt4qukTWElr3O/8gF3tQvhhYm+8Pvqz+BUpyigY5UAbJy8J5uO+OfqOnpCO1otDv\n" \
    "EJXtvroD6o85ASUnXpAlXOz6MddJ3tmD1YyblRmn4Jwvjks6YczQY4ph/4gvsF9j\n" \
    "EfN+QIdfjwKBgQCdHtdQmUOmuAXYLrq4gpleVQTrKDrOrQMWsfis7UCvbI+LNmGy\n" \
    "XQKrVTsxK6QXrvnUwSwfwtEFB+wwaV1q3uRp4dE9KZV0yZOZguPaGSGdQEiROpG+\n" \
    "+trzO2TcUCoMVBa1CacwATFfMK0VWzyJIdB6zMkZQfh0lJAA7KdcASUW5QKBgFm5\n" \
    "H6z4spHM5KTn5a5CdwY31/SyACLWbsDHabmBwFWH3aDlFGxqk4dpHtghupUooyU+\n" \
    "4tAAo8zE9/aVkxgKM5C2JNFv8PEL8j4fB6Po9lsonBxqi8m0HqUcH1iCTJ6CqG0T\n" \
    "6+SlozMZPib/Ky007IBRsV4fjwbV5TUDWMbpX4+9AoGBAKNDy91iJ1kjnR6h5Dn+\n" \
    "A9K63Ba1Wuz8B1wFQ4IikKMtCywgl9Q2zghDTXLah21NAiW0ROhnIisyo4CU3LnS\n" \
    "2ODAnKa0EGDohcTuYVgwwGVvbNdCCKYC8P/tkzirnDsdNvVPhMXH4pBdVxc9tGIt\n" \
    "ywUIDs+2+ruFNYViDjkGHMn2\n" \
    "-----END PRIVATE KEY-----\n"

#define RSA_PUBLIC \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApRGb9+H0E/xmJQ/LBZGH\n" \
    "cGzbbndTK8wvEGKwPNTAqv9eCRiSB1zTo6o2ILIlrf+zXAvFcURVVsA4aTZRb5DW\n" \
    "tHUtkPQqtEWD8o3GTMcbzk4g1GKO5M84Fq/JfPDv8HHW72kTF3BfnUMLTPU7Pmi9\n" \
    "hIL/3EW2kfvxDPIDI2U1PcPQMqiGSN8xvzG5rUJhL+gyLcF+d5ttc/RqQCSVQfVc\n" \
    "Q58AuteF4x/dxmAGhkCr63hGYCDJ23kzUidV+5hN0NCt2gOQuhY3TP0i6Po13kKS\n" \
    "fKssqxyoZqIXCsJsM3Pjav+7cdpHMIJm2SeNq5qvP8RDeGPjpkbtpOKOwdesTbNC\n" \
    "cwIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"

#define RSA_SHORT \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwXUSgMeClN+717Ar95uoLmiyj\n" \
    "4kgTZCjRJc4k5Sy6AJvjBTrnf7I/TlI1qP8j2tLaTueJ6pRQjDGjEEJuLbhJ9MRb\n" \
    "CC5nyXjxP7fQ65I622Q0rbekuwEgQvtgzakpN0V2zeyIj+N/UwZpUBj092JIWjRj\n" \
    "oYX0GMBDqhmZM0iowQIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"

#define EC_PRIVATE \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVThA+DLe3uMnxNRu\n" \
    "qen2YUDE7E+We1AfltLu6q69Is2hRANCAAS2SPbxtf/D8xhRj2kGMPzTBbqc7EHg\n" \
    "l6anLnQa7beqbu/1X9mgY6yI3k5+0zwPP9OuAReaicIgvqOUcXNKq+VJ\n" \
    "-----END PRIVATE KEY-----\n"

#define EC_PUBLIC \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtkj28bX/w/MYUY9pBjD80wW6nOxB\n" \
    "4Jempy50Gu23qm7v9V/ZoGOsiN5OftM8Dz/TrgEXmonCIL6jlHFzSqvlSQ==\n" \
    "-----END PUBLIC KEY-----\n"

#define EC_P384 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEQqLTZf3pVILV9DqINm6dZRxliLgwT2fW\n" \
    "Xl4dRn2/SGD933j/OfPaWcKg3IumM64WDuBiGNOEQ35e74VMbHeFFVHqmXnt1ZGF\n" \
    "dg198iHIRiYXXhuDBMOLVM54cX3g7a2T\n" \
    "-----END PUBLIC KEY-----\n"

#define ED25519 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEA50EXWfTZPXK8nSL0AYTtH4/hHzTxGpAcMwJfsY8R4V8=\n" \
    "-----END PUBLIC KEY-----\n"

#endif
