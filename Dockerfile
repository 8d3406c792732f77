# The image of the product: all four programs. scripts/build-images.sh makes the same one without a container builder.
FROM debian:bookworm AS build
WORKDIR /src
COPY scripts/packages.txt scripts/
RUN apt-get update \
 && apt-get install --yes --no-install-recommends $(awk '$1 == "build" {print $2}' scripts/packages.txt) \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DBUILD_TESTING=OFF \
 && cmake --build --preset release \
 && cmake --install build/release --prefix /out/usr --strip

FROM debian:bookworm-slim
COPY scripts/packages.txt /tmp/
RUN apt-get update \
 && apt-get install --yes --no-install-recommends $(awk '$1 == "run" {print $2}' /tmp/packages.txt) \
 && rm -rf /var/lib/apt/lists/* /tmp/packages.txt \
 && echo "turnkeeper:x:65532:65532::/nonexistent:/usr/sbin/nologin" >>/etc/passwd \
 && echo "turnkeeper:x:65532:" >>/etc/group
COPY --from=build /out/usr/bin/ /usr/bin/
USER 65532:65532
CMD ["turnctl", "--help"]
