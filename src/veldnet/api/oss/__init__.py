"""What ThingPark's OSS API has for a subscriber, as its clients call it: a member is there where the network
knows it, and a filter that is not served is refused, for an answer that ignored it would name too much."""
