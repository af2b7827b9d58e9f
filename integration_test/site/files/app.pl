#!/usr/bin/perl
# Answers every request with one line. Stands in for a real application.
use strict;
use warnings;
use IO::Socket::INET;

die "DB_PASSWORD is not set\n" unless $ENV{DB_PASSWORD};
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 16, ReuseAddr => 1)
    or die "cannot listen: $!\n";
while (my $client = $server->accept) {
    while (my $line = <$client>) { last if $line =~ /^\r?\n$/ }
    my $body = "the application answers, $ENV{WORKERS} workers\n";
    print $client "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    close $client;
}
